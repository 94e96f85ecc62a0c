/* Compressed rows: made from images, checked, and a batch of them sorted by columns. */
#ifndef NN_MLP_ROWS_H
#define NN_MLP_ROWS_H

#include "common/threads.h"
#include "mlp/table.h"

/* ---- Compressed rows --------------------------------------------------------------------- */

/* Images to be compressed, and what becomes of them. */
typedef struct {
    const uint8_t *images;
    int64_t count, width, *counted; /* counted: nn_count_pixels' indptr */
    const int64_t *indptr;
    uint16_t *cols;
    uint8_t *vals;
} nn_compress_job;

static void nn_count_pixels_thread(const void *given, int t, int threads)
{
    const nn_compress_job *job = given;
    int64_t m0, m1;
    nn_share(job->count, 8, t, threads, &m0, &m1);
    for (int64_t m = m0; m < m1; m++) {
        const uint8_t *pixels = job->images + m * job->width;
        int64_t filled = 0;
        for (int64_t i = 0; i < job->width;) { /* by 128, so that a byte is counter enough */
            const int64_t end = i + 128 < job->width ? i + 128 : job->width;
            uint8_t some = 0;
            for (; i < end; i++)
                some = (uint8_t)(some + (pixels[i] != 0));
            filled += some;
        }
        job->counted[1 + m] = filled;
    }
}

/* indptr[1 + m] = how many pixels of image m are not 0 */
NN_API void nn_count_pixels(const uint8_t *images, int64_t count, int64_t width, int64_t *indptr,
                            int threads)
{
    const nn_compress_job job = {images, count, width, indptr, 0, 0, 0};
    const double work = (double)count * (double)width / 4;
    nn_run(nn_count_pixels_thread, &job, nn_useful_threads(threads, work));
}

static void nn_compress_thread(const void *given, int t, int threads)
{
    enum { CHUNK = 1024 };
    uint16_t near_cols[CHUNK]; /* every pixel is written here, and the next one over */
    uint8_t near_vals[CHUNK];  /* it if it was 0: no branch to mispredict */
    const nn_compress_job *job = given;
    const int64_t width = job->width;
    int64_t m0, m1;
    nn_share(job->count, 8, t, threads, &m0, &m1);
    for (int64_t m = m0; m < m1; m++) {
        const uint8_t *pixels = job->images + m * width;
        int64_t k = job->indptr[m];
        for (int64_t i = 0; i < width;) {
            const int64_t end = i + CHUNK < width ? i + CHUNK : width;
            int64_t filled = 0;
            while (i < end) {
                uint64_t eight = 1;
                if (end - i >= 8)
                    memcpy(&eight, pixels + i, 8);
                if (!eight) {
                    i += 8;
                    continue;
                }
                const int64_t stop = i + 8 < end ? i + 8 : end;
                for (; i < stop; i++) {
                    near_cols[filled] = (uint16_t)i;
                    near_vals[filled] = pixels[i];
                    filled += pixels[i] != 0;
                }
            }
            memcpy(job->cols + k, near_cols, (size_t)filled * sizeof(uint16_t));
            memcpy(job->vals + k, near_vals, (size_t)filled);
            k += filled;
        }
    }
}

/* The entries of all images, where indptr says that each image's begin. */
NN_API void nn_compress(const uint8_t *images, int64_t count, int64_t width, const int64_t *indptr,
                        uint16_t *cols, uint8_t *vals, int threads)
{
    const nn_compress_job job = {images, count, width, 0, indptr, cols, vals};
    const double work = (double)count * (double)width / 4;
    nn_run(nn_compress_thread, &job, nn_useful_threads(threads, work));
}

enum { NN_ROWS_AHEAD = 8 }; /* rows asked for before they are read */

/* Ask for a row before it is needed: a batch's lie anywhere in 30 MB. Always inline: GCC takes
 * calls of a function that does nothing else for calls without effect, and leaves them out. */
NN_INLINE void nn_prefetch_row(const nn_rows *x, int64_t row)
{
    const int64_t k0 = x->indptr[row], k1 = x->indptr[row + 1];
    for (int64_t k = k0; k < k1 + 31; k += 32)
        NN_PREFETCH_FAR(x->cols + k);
    for (int64_t k = k0; k < k1 + 63; k += 64)
        NN_PREFETCH_FAR(x->vals + k);
}

/* Is everything that these images `index` lead to inside the arrays? Adds their entries to
 * *total, and returns the place in index of the first bad one, or -1. rows and entries: how
 * many the set has. */
NN_API int64_t nn_find_bad_row(const nn_rows *x, int64_t rows, int64_t entries,
                               const int64_t *index, int64_t count, int64_t *total)
{
    for (int64_t n = 0; n < count; n++) {
        const int64_t next = n + NN_ROWS_AHEAD < count ? index[n + NN_ROWS_AHEAD] : -1;
        if (next >= 0 && next < rows && x->indptr[next] >= 0 && x->indptr[next + 1] <= entries)
            nn_prefetch_row(x, next); /* no further than the arrays reach */
        if (index[n] < 0 || index[n] >= rows)
            return n;
        const int64_t begin = x->indptr[index[n]], end = x->indptr[index[n] + 1];
        if (begin < 0 || begin > end || end > entries)
            return n;
        const uint16_t *cols = x->cols + begin;
        uint16_t outside = 0;
        if (x->width < 65536)
            for (int64_t k = 0; k < end - begin; k++)
                outside |= cols[k] >= (uint16_t)x->width;
        if (outside)
            return n;
        *total += end - begin;
    }
    return -1;
}

/* The first of `count` numbers that is not in 0 .. limit-1, or -1. */
NN_API int64_t nn_find_outside(const int64_t *numbers, int64_t count, int64_t limit)
{
    for (int64_t n = 0; n < count; n++)
        if (numbers[n] < 0 || numbers[n] >= limit)
            return n;
    return -1;
}

/* ---- A batch by columns ------------------------------------------------------------------ */

/* How many samples a block has: so many that their gradients in one panel, 8 vectors wide, fill L1
 * or most of it, but no more than 256, for nn_entry; and enough blocks for all threads to sort. No
 * result depends on it. */
static inline int64_t nn_column_block(int64_t count, int threads)
{
    const int64_t most = nn_active->vector > 4 ? 1024 / nn_active->vector : 256;
    const int64_t share = (count + threads - 1) / threads;
    return share > most ? most : share < 16 ? 16 : share;
}

/* Bytes of work space for a batch of `count` rows with `entries` non-zeros in all. */
static inline int64_t nn_columns_bytes(int64_t count, int64_t width, int64_t entries, int threads)
{
    const int64_t block = nn_column_block(count, threads), blocks = (count + block - 1) / block;
    return 64 + nn_round64(8 * (blocks + 1)) + nn_round64(4 * blocks * (width + 1)) +
           nn_round64(entries * (int64_t)sizeof(nn_entry));
}

/* Lay the arrays out in the work space. */
NN_API nn_columns nn_columns_plan(const nn_rows *x, int64_t count, int threads, void *work)
{
    nn_columns t;
    char *at = nn_align(work);
    t.width = x->width;
    t.count = count;
    t.block = nn_column_block(count, threads);
    t.blocks = (count + t.block - 1) / t.block;
    t.base = (int64_t *)at;
    at += nn_round64(8 * (t.blocks + 1));
    t.start = (int32_t *)at;
    at += nn_round64(4 * t.blocks * (t.width + 1));
    t.entries = (nn_entry *)at;
    return t;
}

/* Counting sort of one block by column. Blocks do not touch each other's memory. */
NN_API void nn_columns_block(const nn_rows *x, const int64_t *index, const nn_columns *t, int64_t b,
                             int64_t base)
{
    const int64_t n0 = b * t->block, n1 = n0 + t->block < t->count ? n0 + t->block : t->count;
    int32_t *NN_RESTRICT next = t->start + b * (t->width + 1) + 1; /* where column c goes on */
    nn_entry *NN_RESTRICT entries = t->entries + base;
    const uint16_t *NN_RESTRICT cols = x->cols;
    const uint8_t *NN_RESTRICT vals = x->vals;
    memset(next - 1, 0, (size_t)(t->width + 1) * 4);
    for (int64_t n = n0; n < n0 + NN_ROWS_AHEAD && n < n1; n++)
        nn_prefetch_row(x, index[n]);
    for (int64_t n = n0; n < n1; n++) {
        if (n + NN_ROWS_AHEAD < n1)
            nn_prefetch_row(x, index[n + NN_ROWS_AHEAD]);
        const int64_t end = x->indptr[index[n] + 1];
        for (int64_t k = x->indptr[index[n]]; k < end; k++)
            next[cols[k]]++;
    }
    int32_t total = 0;
    for (int64_t c = 0; c < t->width; c++) {
        const int32_t here = next[c];
        next[c] = total;
        total += here;
    }
    for (int64_t n = n0; n < n1; n++) {
        const int64_t end = x->indptr[index[n] + 1];
        for (int64_t k = x->indptr[index[n]]; k < end; k++)
            entries[next[cols[k]]++] = (nn_entry)((n - n0) | vals[k] << 8);
    }
}

/* thread t's blocks */
NN_API void nn_columns_share(const nn_rows *x, const int64_t *index, const nn_columns *t,
                             int thread, int threads)
{
    int64_t total = 0;
    for (int64_t b = 0; b < t->blocks; b++) {
        /* every thread finds the bases for itself: cheaper than waiting for one */
        const int64_t n0 = b * t->block, n1 = n0 + t->block < t->count ? n0 + t->block : t->count;
        if (b % threads == thread) {
            t->base[b] = total;
            nn_columns_block(x, index, t, b, total);
        }
        for (int64_t n = n0; n < n1; n++)
            total += x->indptr[index[n] + 1] - x->indptr[index[n]];
    }
}

#endif
