/* The layer that reads compressed rows, forward and back into the optimizer, for one instruction
 * set.
 *
 * Included by loops.h, once per instruction set.
 */

/* the first `count` lanes only */
static inline void NN(store_some)(float *p, vf v, int count)
{
    float lanes[VL];
    STORE(lanes, v);
    for (int j = 0; j < count; j++)
        p[j] = lanes[j];
}

#define AT(j) ((j) == nv - 1 ? last : (j) * VL) /* where vector j of a panel begins */

/* One panel of out = act(bias + X W), nv vectors wide. The naive loop:
 *
 *     for n: for o:
 *         sum = bias[o]
 *         for k in indptr[index[n]] .. indptr[index[n] + 1]: sum += table[vals[k]] * w[cols[k], o]
 *         out[n, o] = relu ? max(sum, 0) : sum
 *
 * W's rows are taken in blocks that stay in L1 while all samples pass by: the
 * columns of a sample ascend, so a cursor per sample says where the block before
 * ended. Panels of 8 vectors read one scalar pair for 8 multiply-adds, and 8
 * accumulators hide the latency of the FMA.
 */
NN_INLINE void NN(sparse_forward_panel)(
    const int nv, const nn_rows *x, const int64_t *index, int64_t n0, int64_t n1,
    const float *w, int64_t ldw, const float *bias, int width, int relu,
    float *out, int64_t ldo, int64_t row_block)
{
    enum { TILE = 512 };
    int64_t cursor[TILE];
    const uint16_t *cols = x->cols;
    const uint8_t *vals = x->vals;
    const float *table = x->table;
    const int partial = width < VL; /* then nv == 1, and only some lanes are stored */
    const int last = partial ? 0 : width - VL;
    float narrow_bias[VL];

    if (partial && bias) {
        for (int j = 0; j < VL; j++)
            narrow_bias[j] = j < width ? bias[j] : 0;
        bias = narrow_bias;
    }
    if (partial || row_block > x->width)
        row_block = x->width; /* partial sums cannot rest in `out` */
    for (int64_t t0 = n0; t0 < n1; t0 += TILE) {
        const int64_t t1 = t0 + TILE < n1 ? t0 + TILE : n1;
        for (int64_t lo = 0; lo < x->width; lo += row_block) {
            const int64_t hi = lo + row_block;
            const int first_block = lo == 0, last_block = hi >= x->width;
            for (int64_t n = t0; n < t1; n++) {
                const int64_t end = x->indptr[index[n] + 1];
                int64_t k = first_block ? x->indptr[index[n]] : cursor[n - t0];
                float *o = out + n * ldo;
                vf acc[8];
                if (!first_block)
                    NN_UNROLL for (int j = 0; j < nv; j++) acc[j] = LOAD(o + AT(j));
                else if (bias)
                    NN_UNROLL for (int j = 0; j < nv; j++) acc[j] = LOAD(bias + AT(j));
                else
                    NN_UNROLL for (int j = 0; j < nv; j++) acc[j] = (vf){0};
                for (; k < end; k++) {
                    const int64_t col = cols[k];
                    if (col >= hi)
                        break;
                    const float *row = w + col * ldw;
                    const float v = table[vals[k]];
                    NN_UNROLL for (int j = 0; j < nv; j++) acc[j] += v * LOAD(row + AT(j));
                }
                cursor[n - t0] = k;
                if (last_block && relu)
                    NN_UNROLL for (int j = 0; j < nv; j++) acc[j] = NN(relu)(acc[j]);
                if (partial)
                    NN(store_some)(o, acc[0], width);
                else
                    NN_UNROLL for (int j = 0; j < nv; j++) STORE(o + AT(j), acc[j]);
            }
        }
    }
}

/* Columns [o0, o1) of out = act(bias + X W) for samples [n0, n1), panel by panel; where W has no
 * whole vectors, the naive loop. W may be in panels. */
static void NN(sparse_forward)(const nn_rows *x, const int64_t *index, int64_t n0, int64_t n1,
                               const float *w, int64_t ldw, const float *bias, int64_t o0,
                               int64_t o1, int relu, float *out, int64_t ldo)
{
    const int64_t width = o1 - o0;
    if (width <= 0 || n0 >= n1)
        return;
    if (width < VL && ldw != NN_PANELS && ldw < VL) {
        for (int64_t n = n0; n < n1; n++)
            for (int64_t o = o0; o < o1; o++) {
                float sum = bias ? bias[o] : 0;
                for (int64_t k = x->indptr[index[n]]; k < x->indptr[index[n] + 1]; k++)
                    sum = FUSED(x->table[x->vals[k]], w[x->cols[k] * ldw + o], sum);
                out[n * ldo + o] = relu && sum < 0 ? 0 : sum;
            }
        return;
    }
    for (int64_t i = 0; i < nn_panel_count(o0, o1, VL); i++) {
        const nn_panel panel = nn_panel_at(o0, o1, VL, i);
        const int64_t a = panel.a, ld = nn_panel_ld(&panel, ldw);
        const float *at = w + nn_panel_begin(&panel, x->width, ldw);
        /* at most 64 KB of a panel's rows at a time; of no use for a few samples */
        const int64_t fit = NN_L1_FLOATS / panel.ld, count = (x->width + fit - 1) / fit;
        const int64_t row_block = n1 - n0 < 8 ? x->width : (x->width + count - 1) / count;
        const float *bias_at = bias ? bias + a : 0;
#define CASE(K)                                                                              \
    case K:                                                                                  \
        NN(sparse_forward_panel)(K, x, index, n0, n1, at, ld, bias_at, (int)(panel.b - a),   \
                                 relu, out + a, ldo, row_block);                             \
        break;
        switch (panel.vectors) { CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7) CASE(8) }
#undef CASE
    }
}

/* Sum of one block of samples into the gradient rows of some columns:
 *
 *     for r: for n of the block where x[n, list[r]] is not 0:
 *         sum[r, :] += x[n, list[r]] * grad[n, :]
 *
 * The first block begins with `base`. Vector j of base and sum lies at j * VL, whatever
 * the overlap: that is undone when they are read. */
NN_INLINE void NN(sparse_gradient_rows)(
    const int nv, const float *table, const nn_entry *entries, const int32_t *start,
    const int32_t *list, int rows, int first_block, const float *base, const float *grad,
    int64_t ldg, int width, float *sum)
{
    const int last = width < VL ? 0 : width - VL;
    for (int r = 0; r < rows; r++) {
        const int32_t c = list[r], end = start[c + 1];
        int32_t k = start[c];
        float *s = sum + r * 8 * VL;
        const float *from = first_block ? base : s;
        vf acc[8];
        NN_UNROLL for (int j = 0; j < nv; j++) acc[j] = LOAD(from + j * VL);
        for (; k < end; k++) {
            const unsigned entry = entries[k];
            const float *g = grad + (int64_t)(entry & 255) * ldg;
            const float v = table[entry >> 8];
            NN_UNROLL for (int j = 0; j < nv; j++) acc[j] += v * LOAD(g + AT(j));
        }
        NN_UNROLL for (int j = 0; j < nv; j++) STORE(s + j * VL, acc[j]);
    }
}

/* Ask for a part of a parameter's row while its gradient is added up: with moments, the rows are
 * too many for L2. */
NN_INLINE void NN(prefetch_row)(const nn_parameter *p, int64_t at, int64_t width)
{
    const float *const of[] = {p->w, p->m, p->v};
    NN_UNROLL for (int k = 0; k < 3; k++)
        for (int64_t i = at; of[k] && i < at + width; i += 16)
            NN_PREFETCH_FAR(of[k] + i);
}

/* Gradient of columns [o0, o1) of the sparse layer's weight, handed to the optimizer
 * row by row as soon as it is known, so that it never goes to memory. base: what each of
 * its rows begins with, or null for 0. The naive loop:
 *
 *     for c:
 *         sum[:] = base[:]
 *         for n where x[n, c] is not 0: sum[:] += x[n, c] * grad[n, :]
 *         apply(opt, sum, row c of p)
 *
 * Chunks of 64 weight rows: their sums stay near while the blocks of samples, whose
 * gradients fit in L1, pass by one after the other. Rows of pixels that never occur
 * are skipped unless the optimizer must touch them (decay, moments, a stored dW). Gradient and
 * parameter may be in panels. */
static void NN(sparse_update)(const nn_rows *x, const nn_columns *t, const float *grad,
                              int64_t ldg, const float *base, int64_t o0, int64_t o1,
                              const nn_optimizer *opt, const nn_parameter *p, int64_t ldw)
{
    enum { CHUNK = 64 };
    float sum[CHUNK * 8 * VL] NN_ALIGNED;
    float line[8 * VL] NN_ALIGNED, begin[8 * VL] NN_ALIGNED;
    int32_t list[CHUNK];
    const int64_t width = o1 - o0, stride = t->width + 1;
    const int all = base || (opt->kind != NN_ADD && opt->kind != NN_SGD) || opt->weight_decay != 0;
    if (width <= 0)
        return;
    if (!t->blocks) /* no sample, a gradient of zeros */
        memset(sum, 0, sizeof sum);
    if (width < VL && ldg != NN_PANELS && ldg < VL) {
        for (int64_t c = 0; c < t->width; c++) {
            for (int64_t o = 0; o < width; o++)
                line[o] = base ? base[o0 + o] : 0;
            int present = all;
            for (int64_t b = 0; b < t->blocks; b++)
                for (int32_t k = t->start[b * stride + c]; k < t->start[b * stride + c + 1]; k++) {
                    const nn_entry entry = t->entries[t->base[b] + k];
                    const float *g = grad + (b * t->block + (entry & 255)) * ldg + o0;
                    present = 1;
                    for (int64_t o = 0; o < width; o++)
                        line[o] = FUSED(x->table[entry >> 8], g[o], line[o]);
                }
            if (present)
                NN(apply)(opt, width, line, p, c * ldw + o0);
        }
        return;
    }
    for (int64_t i = 0; i < nn_panel_count(o0, o1, VL); i++) {
        const nn_panel panel = nn_panel_at(o0, o1, VL, i);
        const int64_t a = panel.a, at = nn_panel_begin(&panel, t->width, ldw);
        const int64_t ld = nn_panel_ld(&panel, ldw), ld_near = nn_panel_ld(&panel, ldg);
        const float *nearby = grad + nn_panel_begin(&panel, t->count, ldg);
        const int nv = panel.vectors, wide = (int)(panel.b - a);
        const int overlap = wide < VL ? 0 : nv * VL - wide;
        for (int j = 0; j < nv * VL; j++) {
            const int o = j - (j / VL == nv - 1 ? overlap : 0);
            begin[j] = base && o < wide ? base[a + o] : 0;
        }
        for (int64_t c = 0; c < t->width;) {
            int rows = 0;
            for (; c < t->width && rows < CHUNK; c++) {
                int32_t present = all;
                for (int64_t q = 0; q < t->blocks; q++)
                    present |= t->start[q * stride + c + 1] - t->start[q * stride + c];
                list[rows] = (int32_t)c;
                rows += present != 0;
                if (present && p->m)
                    NN(prefetch_row)(p, at + c * ld, wide);
            }
            for (int64_t q = 0; q < t->blocks; q++)
#define CASE(K)                                                                              \
    case K:                                                                                  \
        NN(sparse_gradient_rows)(K, x->table, t->entries + t->base[q], t->start + q * stride,  \
                                 list, rows, q == 0, begin,                                  \
                                 nearby + q * t->block * ld_near, ld_near, wide, sum);       \
        break;
                switch (nv) { CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7) CASE(8) }
#undef CASE
            for (int r = 0; r < rows; r++) {
                float *g = sum + r * 8 * VL;
                if (overlap) { /* close the gap before the last vector */
                    const int tail = (nv - 1) * VL;
                    for (int j = 0; j < tail; j++)
                        line[j] = g[j];
                    for (int j = 0; j < VL; j++)
                        line[tail - overlap + j] = g[tail + j];
                    g = line;
                }
                NN(apply)(opt, wide, g, p, at + list[r] * ld);
            }
        }
    }
}

/* The same for a batch of one and plain SGD, which changes only the rows of its pixels; width is a
 * multiple of 16.
 *
 *     for k of the image: w[cols[k], :] += factor * table[vals[k]] * grad[:] */
static void NN(sparse_update_one)(const nn_rows *x, int64_t image, const float *grad,
                                  int64_t width, float factor, float *w, int64_t ldw)
{
    for (int64_t k = x->indptr[image]; k < x->indptr[image + 1]; k++) {
        const float v = factor * x->table[x->vals[k]];
        const float *NN_RESTRICT g = grad;
        float *NN_RESTRICT row = w + x->cols[k] * ldw;
        for (int64_t c = 0; c < width; c += 16)
            for (int j = 0; j < 16; j++)
                row[c + j] += v * g[c + j];
    }
}

#undef AT
