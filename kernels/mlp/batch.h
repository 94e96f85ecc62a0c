/* A batch of compressed rows, copied by runs of four entries and sorted by columns. */
#ifndef NN_MLP_BATCH_H
#define NN_MLP_BATCH_H

#include "mlp/rows.h"

/* Return the maximum number of samples per block: their gradients in one panel, 8 vectors wide,
 * fill most of L1, and the numbers of the samples fit in nn_entry (below 256). */
static inline int64_t nn_batch_most(void)
{
    return nn_active->vector > 4 ? 1024 / nn_active->vector : 248;
}

/* Return the number of samples per block: a thread's share, split into equal parts. No result
 * depends on it. */
static inline int64_t nn_batch_block(int64_t count, int threads)
{
    const int64_t share = (count + threads - 1) / threads;
    const int64_t parts = (share + nn_batch_most() - 1) / nn_batch_most();
    return share < 16 ? 16 : (share + parts - 1) / parts;
}

/* Return an upper bound on the number of blocks of a batch of at most `count` samples with at most
 * `threads` threads. */
static inline int64_t nn_batch_blocks(int64_t count, int threads)
{
    return count / nn_batch_most() + 1 + 2 * threads;
}

/* Return thread t's samples [n0, n1): consecutive whole blocks. */
static inline void nn_batch_mine(const nn_batch *batch, int t, int threads, int64_t *n0,
                                 int64_t *n1)
{
    const int64_t a = batch->blocks * t / threads * batch->block;
    const int64_t b = batch->blocks * (t + 1) / threads * batch->block;
    *n0 = a < batch->count ? a : batch->count;
    *n1 = b < batch->count ? b : batch->count;
}

/* Return samples [n0, n1) of a batch, whole blocks, as a batch. */
static inline nn_batch nn_batch_part(const nn_batch *batch, int64_t n0, int64_t n1)
{
    nn_batch part = *batch;
    const int64_t b = n0 / part.block;
    part.count = n1 - n0;
    part.blocks = (part.count + part.block - 1) / part.block;
    part.base += b;
    part.begin += b * part.runs;
    part.start += b * (part.width + 2);
    part.fours += n0 * part.runs;
    return part;
}

static inline void *nn_take_bytes(uintptr_t *at, int64_t bytes)
{
    void *const here = (void *)*at;
    *at += (uintptr_t)nn_round64(bytes);
    return here;
}

/* Return the maximum number of entries, with padding to fours, of `samples` samples in `blocks`
 * blocks with `entries` nonzeros. */
static inline int64_t nn_batch_room(const nn_batch *t, int64_t samples, int64_t blocks,
                                    int64_t entries)
{
    const int64_t runs = t->runs * samples, pads = 3 * (runs < entries ? runs : entries);
    const int64_t lists = blocks * t->width;
    return entries + pads + 3 * (lists < entries ? lists : entries) + 80 * blocks;
}

/* Return the width in floats of the widest panel in a thread's share of `columns` columns; columns
 * 0: the maximum over all numbers of columns. */
static inline int64_t nn_widest_panel(int64_t columns, int threads)
{
    const int64_t units = ((columns + 15) / 16 + threads - 1) / threads;
    const int64_t vectors = (16 * units + nn_active->vector - 1) / nn_active->vector;
    const int64_t panels = (vectors + 7) / 8;
    return nn_active->vector * (columns ? (vectors + panels - 1) / panels : 8);
}

/* Lay out the arrays of a batch in the work space: `count` rows with `entries` nonzeros in all, for
 * a weight of `columns` columns. *bytes, if not null, is set to their size; with 0 columns, to an
 * upper bound for any number of columns. */
NN_API nn_batch nn_batch_plan(const nn_rows *x, int64_t count, int64_t entries, int64_t columns,
                              int threads, void *work, int64_t *bytes)
{
    const int64_t rows = NN_L1_FLOATS / nn_widest_panel(columns, threads);
    const int64_t fit = rows < 1020 ? rows : 1020; /* 255 fours */
    nn_batch t;
    uintptr_t at = (uintptr_t)nn_round64((int64_t)(uintptr_t)work);
    t.width = x->width;
    t.count = count;
    t.block = nn_batch_block(count, threads);
    t.blocks = (count + t.block - 1) / t.block;
    t.runs = x->width > fit ? (x->width + fit - 1) / fit : 1;
    t.run_rows = (x->width + t.runs - 1) / t.runs;
    const int64_t blocks = nn_batch_blocks(count, threads);
    const int64_t room = nn_batch_room(&t, count, blocks, entries);
    t.base = nn_take_bytes(&at, 8 * blocks);
    t.begin = nn_take_bytes(&at, 4 * blocks * t.runs);
    t.start = nn_take_bytes(&at, 4 * blocks * (t.width + 2));
    t.fours = nn_take_bytes(&at, count * t.runs);
    t.vals = nn_take_bytes(&at, 2 * room);
    t.cols = nn_take_bytes(&at, 2 * room);
    t.entries = nn_take_bytes(&at, 2 * room);
    if (bytes)
        *bytes = (int64_t)(at - (uintptr_t)work) + 64;
    return t;
}

/* Return four nn_entry: four values, each with its sample number. */
static inline uint64_t nn_four_entries(const uint8_t *vals, int64_t sample)
{
    uint32_t four;
    memcpy(&four, vals, 4);
    const uint64_t pairs = (four | (uint64_t)four << 16) & 0x0000FFFF0000FFFFu;
    const uint64_t each = (pairs | pairs << 8) & 0x00FF00FF00FF00FFu;
    return each << 8 | (uint64_t)sample * 0x0001000100010001u;
}

/* Sort one block by runs; return the end of the runs. Blocks have disjoint memory.
 *
 *     for r: for n: the next entries of n with columns below (r + 1) * run_rows, padded to fours */
static int64_t nn_batch_runs(const nn_rows *x, const int64_t *index, const nn_batch *t, int64_t b)
{
    const int64_t n0 = b * t->block, n1 = n0 + nn_batch_samples(t, b);
    const uint64_t none = (uint64_t)t->width * 0x0001000100010001u; /* columns of the padding */
    uint16_t *const cols = t->cols + t->base[b];
    nn_entry *const vals = t->vals + t->base[b];
    const uint8_t nothing[4] = {0};
    int64_t cursor[256], at = 0;
    for (int64_t n = n0; n < n1; n++)
        cursor[n - n0] = x->indptr[index[n]];
    for (int64_t n = n0; n < n0 + NN_ROWS_AHEAD && n < n1; n++)
        nn_prefetch_row(x, index[n]);
    for (int64_t r = 0; r < t->runs; r++) {
        const int64_t hi = (r + 1) * t->run_rows;
        uint8_t *fours = nn_batch_fours(t, b, r);
        t->begin[b * t->runs + r] = (int32_t)at;
        for (int64_t n = n0; n < n1; n++) {
            const int64_t end = x->indptr[index[n] + 1], from = at;
            const uint64_t zeros = nn_four_entries(nothing, n - n0);
            int64_t k = cursor[n - n0], some = 0;
            uint64_t four;
            if (!r && n + NN_ROWS_AHEAD < n1)
                nn_prefetch_row(x, index[n + NN_ROWS_AHEAD]);
            for (; k + 4 <= end && x->cols[k + 3] < hi; k += 4, at += 4) {
                four = nn_four_entries(x->vals + k, n - n0);
                memcpy(cols + at, x->cols + k, 8);
                memcpy(vals + at, &four, 8);
            }
            if (k + 4 <= end) { /* no branch per entry: their number is unpredictable */
                four = nn_four_entries(x->vals + k, n - n0);
                memcpy(cols + at, x->cols + k, 8);
                memcpy(vals + at, &four, 8);
                for (int i = 0; i < 3; i++)
                    some += x->cols[k + i] < hi;
            } else
                for (; k + some < end && x->cols[k + some] < hi; some++) {
                    cols[at + some] = x->cols[k + some];
                    vals[at + some] = (nn_entry)((n - n0) | x->vals[k + some] << 8);
                }
            memcpy(cols + at + some, &none, 8); /* the next run overwrites the excess */
            memcpy(vals + at + some, &zeros, 8);
            at += (some + 3) & ~3;
            cursor[n - n0] = k + some;
            fours[n - n0] = (uint8_t)((at - from) / 4);
        }
    }
    return at;
}

/* Sort one block's runs by column (counting sort). Padding entries come last, as column `width`. */
static void nn_batch_columns(const nn_batch *t, int64_t b, int64_t entries)
{
    const int64_t samples = nn_batch_samples(t, b);
    int32_t *NN_RESTRICT next = t->start + b * (t->width + 2) + 1; /* next free place of column c */
    nn_entry *NN_RESTRICT into = t->entries + t->base[b];
    const uint16_t *NN_RESTRICT cols = t->cols + t->base[b];
    const nn_entry *NN_RESTRICT vals = t->vals + t->base[b];
    int32_t total = 0;
    memset(next - 1, 0, (size_t)(t->width + 2) * 4);
    for (int64_t k = 0; k < entries; k++)
        next[cols[k]]++;
    for (int64_t c = 0; c <= t->width; c++) {
        const int32_t here = (next[c] + 3) & ~3;
        next[c] = total;
        total += here;
    }
    for (int64_t k = 0; k < next[t->width]; k++)
        into[k] = (nn_entry)samples;
    for (int64_t k = 0; k < entries; k++)
        into[next[cols[k]]++] = vals[k];
    for (int64_t c = 0; c < t->width; c++)
        next[c] = (next[c] + 3) & ~3;
}

/* Prefetch thread t's blocks of another batch. Always inline, like nn_prefetch_row. */
NN_INLINE void nn_batch_prefetch(const nn_rows *x, const int64_t *index, int64_t count,
                                 const nn_batch *like, int t, int threads)
{
    int64_t n0, n1;
    nn_batch_mine(like, t, threads, &n0, &n1);
    for (int64_t n = n0; n < n1 && n < count; n++)
        nn_prefetch_row(x, index[n]);
}

/* Copy columns [o0, o1) of the batch's gradient into panels, each block of samples separately, each
 * with the row of -0.0 for padding entries. wide: columns of all panels. */
static inline void nn_batch_panels(const nn_batch *t, const float *grad, int64_t ldg,
                                   int64_t columns, int64_t wide, int64_t o0, int64_t o1,
                                   float *panels)
{
    for (int64_t b = 0; b < t->blocks; b++)
        nn_to_panels(grad + b * t->block * ldg, ldg, nn_batch_samples(t, b), columns, o0, o1,
                     nn_active->vector, panels + b * (t->block + 1) * wide);
}

/* As nn_batch_panels, for a thread's share [o0, o1) of the columns if all `wide` columns are one
 * panel. */
static inline void nn_batch_one_panel(const nn_batch *t, const float *grad, int64_t ldg,
                                      int64_t wide, int64_t o0, int64_t o1, float *panel)
{
    for (int64_t b = 0; b < t->blocks; b++) {
        for (int64_t n = 0; n < nn_batch_samples(t, b); n++, grad += ldg, panel += wide)
            memcpy(panel + o0, grad + o0, (size_t)(o1 - o0) * sizeof(float));
        for (int64_t o = o0; o < o1; o++)
            panel[o] = -0.0f;
        panel += wide + (t->block - nn_batch_samples(t, b)) * wide;
    }
}

static inline int64_t nn_batch_panel_floats(int64_t count, int64_t wide, int threads)
{
    return (count + nn_batch_blocks(count, threads)) * wide;
}

/* Sort this thread's blocks by runs and, if `columns` is not 0, by columns. */
NN_API void nn_batch_share(const nn_rows *x, const int64_t *index, const nn_batch *t, int columns,
                           int thread, int threads)
{
    int64_t base = 0, mine, end;
    nn_batch_mine(t, thread, threads, &mine, &end);
    for (int64_t b = 0; b < t->blocks; b++) {
        /* every thread computes all bases: cheaper than waiting for another thread */
        const int64_t n0 = b * t->block, n1 = n0 + nn_batch_samples(t, b);
        int64_t entries = 0;
        if (n0 >= mine && n0 < end) {
            t->base[b] = base;
            const int64_t all = nn_batch_runs(x, index, t, b);
            if (columns)
                nn_batch_columns(t, b, all);
        }
        for (int64_t n = n0; n < n1; n++)
            entries += x->indptr[index[n] + 1] - x->indptr[index[n]];
        base += nn_batch_room(t, n1 - n0, 1, entries) / 16 * 16; /* 80 covers the rounding */
    }
}

#endif
