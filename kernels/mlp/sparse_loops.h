/* The layer that reads compressed rows, forward and backward with the optimizer's update, for one
 * instruction set.
 *
 * Included by loops.h, once per instruction set.
 */

/* Store only the first `count` lanes. */
static inline void NN(store_some)(float *p, vf v, int count)
{
    float lanes[VL];
    STORE(lanes, v);
    for (int j = 0; j < count; j++)
        p[j] = lanes[j];
}

/* uint16_t number q of the four in a word, in memory order */
#undef NN_FOURTH
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define NN_FOURTH(word, q) ((word) >> (48 - 16 * (q)) & 65535)
#else
#define NN_FOURTH(word, q) ((word) >> (16 * (q)) & 65535)
#endif
#define AT(j) ((j) == nv - 1 ? last : (j) * VL) /* where vector j of a panel begins */

/* Compute one panel of out = act(bias + X W), nv vectors wide. The naive loop:
 *
 *     for n: for o:
 *         sum = bias[o]
 *         for k in indptr[index[n]] .. indptr[index[n] + 1]: sum += table[vals[k]] * w[cols[k], o]
 *         out[n, o] = relu ? max(sum, 0) : sum
 *
 * The rows of W that the runs r read stay in L1 while all samples are processed. One load gets the
 * columns of four entries and another their values, for 32 multiply-adds; 8 accumulators hide the
 * latency of the FMA. Between runs a sample's sums are kept in `out`.
 */
NN_INLINE void NN(sparse_forward_panel)(const int nv, const nn_batch *x, const float *table,
                                        const float *w, const float *bias, int width, int relu,
                                        float *out, int64_t ldo)
{
    const int partial = width < VL; /* then nv == 1, and only `width` lanes are stored */
    const int last = partial ? 0 : width - VL;
    float narrow[VL];
    for (int64_t r = 0; r < x->runs; r++)
        for (int64_t b = 0; b < x->blocks; b++) {
            const uint8_t *fours = nn_batch_fours(x, b, r);
            const uint8_t *const end = fours + nn_batch_samples(x, b);
            const uint16_t *cols = x->cols + x->base[b] + x->begin[b * x->runs + r];
            const nn_entry *vals = x->vals + x->base[b] + x->begin[b * x->runs + r];
            float *o = out + b * x->block * ldo;
            for (; fours < end; fours++, o += ldo) {
                const float *from = r ? o : bias;
                vf acc[8];
                if (from && partial) {
                    memcpy(narrow, from, (size_t)width * sizeof(float));
                    from = narrow;
                }
                if (from)
                    NN_UNROLL for (int j = 0; j < nv; j++) acc[j] = LOAD(from + AT(j));
                else
                    NN_UNROLL for (int j = 0; j < nv; j++) acc[j] = (vf){0};
                for (int i = *fours; i; i--, cols += 4, vals += 4) {
                    uint64_t four, values;
                    memcpy(&four, cols, 8);
                    memcpy(&values, vals, 8);
                    NN_UNROLL for (int q = 0; q < 4; q++) {
                        const float *row = w + NN_FOURTH(four, q) * (nv * VL);
                        const float v = table[NN_FOURTH(values, q) >> 8];
                        NN_UNROLL for (int j = 0; j < nv; j++) acc[j] += v * LOAD(row + AT(j));
                    }
                }
                if (r == x->runs - 1 && relu)
                    NN_UNROLL for (int j = 0; j < nv; j++) acc[j] = NN(relu)(acc[j]);
                if (partial)
                    NN(store_some)(o, acc[0], width);
                else
                    NN_UNROLL for (int j = 0; j < nv; j++) STORE(o + AT(j), acc[j]);
            }
        }
}

/* Compute columns [o0, o1) of out = act(bias + X W), panel by panel. W is in panels. */
static void NN(sparse_forward)(const nn_batch *x, const float *table, const float *w,
                               const float *bias, int64_t o0, int64_t o1, int relu, float *out,
                               int64_t ldo)
{
    for (int64_t i = 0; i < nn_panel_count(o0, o1, VL); i++) {
        const nn_panel panel = nn_panel_at(o0, o1, VL, i);
        const float *at = w + nn_panel_begin(&panel, x->width, NN_PANELS);
        const float *bias_at = bias ? bias + panel.a : 0;
        const int wide = (int)(panel.b - panel.a);
#define CASE(K)                                                                              \
    case K:                                                                                  \
        NN(sparse_forward_panel)(K, x, table, at, bias_at, wide, relu, out + panel.a, ldo);  \
        break;
        switch (panel.vectors) { CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7) CASE(8) }
#undef CASE
    }
}

/* As sparse_forward_panel, for one image and W in rows, at least a vector wide. */
NN_INLINE void NN(sparse_image_panel)(const int nv, const nn_rows *x, int64_t image,
                                      const float *w, int64_t ldw, const float *bias, int width,
                                      int relu, float *out)
{
    const int last = width - VL;
    vf acc[8];
    NN_UNROLL for (int j = 0; j < nv; j++) acc[j] = bias ? LOAD(bias + AT(j)) : (vf){0};
    for (int64_t k = x->indptr[image]; k < x->indptr[image + 1]; k++) {
        const float *row = w + x->cols[k] * ldw, v = x->table[x->vals[k]];
        NN_UNROLL for (int j = 0; j < nv; j++) acc[j] += v * LOAD(row + AT(j));
    }
    NN_UNROLL for (int j = 0; j < nv; j++)
        STORE(out + AT(j), relu ? NN(relu)(acc[j]) : acc[j]);
}

static void NN(sparse_images)(const nn_rows *x, const int64_t *index, int64_t count,
                              const float *w, int64_t ldw, const float *bias, int64_t o0,
                              int64_t o1, int relu, float *out, int64_t ldo)
{
    for (int64_t i = 0; i < nn_panel_count(o0, o1, VL); i++) {
        const nn_panel panel = nn_panel_at(o0, o1, VL, i);
        const float *bias_at = bias ? bias + panel.a : 0;
        const int wide = (int)(panel.b - panel.a);
        for (int64_t n = 0; n < count; n++)
#define CASE(K)                                                                              \
    case K:                                                                                  \
        NN(sparse_image_panel)(K, x, index[n], w + panel.a, ldw, bias_at, wide, relu,        \
                               out + n * ldo + panel.a);                                     \
        break;
            switch (panel.vectors) {
                CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7) CASE(8)
            }
#undef CASE
    }
}

/* Add one block of samples to the gradient rows of some columns:
 *
 *     for r: for n of the block where x[n, list[r]] is not 0:
 *         sum[r, :] += x[n, list[r]] * grad[n, :]
 *
 * The first block starts from `base`. With the last block, `plain` may be a panel of the weight
 * instead of null: lr times the sums is then subtracted from it directly. Plain SGD needs the sums
 * for nothing else. */
NN_INLINE void NN(sparse_gradient_rows)(
    const int nv, const float *table, const nn_entry *entries, const int32_t *start,
    const int32_t *list, int rows, int first_block, const float *base, const float *grad,
    float *sum, float *plain, float lr)
{
    for (int r = 0; r < rows; r++) {
        const int32_t c = list[r], end = start[c + 1];
        float *s = sum + r * 8 * VL;
        const float *from = first_block ? base : s;
        vf acc[8];
        NN_UNROLL for (int j = 0; j < nv; j++) acc[j] = LOAD(from + j * VL);
        for (int32_t k = start[c]; k < end; k += 4) {
            uint64_t four;
            memcpy(&four, entries + k, 8);
            NN_UNROLL for (int q = 0; q < 4; q++) {
                const float *g = grad + (NN_FOURTH(four, q) & 255) * (nv * VL);
                const float v = table[NN_FOURTH(four, q) >> 8];
                NN_UNROLL for (int j = 0; j < nv; j++) acc[j] += v * LOAD(g + j * VL);
            }
        }
        if (plain) {
            s = plain + c * (nv * VL);
            NN_UNROLL for (int j = 0; j < nv; j++) acc[j] = LOAD(s + j * VL) - lr * acc[j];
        }
        NN_UNROLL for (int j = 0; j < nv; j++) STORE(s + j * VL, acc[j]);
    }
}

/* Prefetch a part of a parameter's row while its gradient is summed: with moments, the rows do not
 * fit in L2. */
NN_INLINE void NN(prefetch_row)(const nn_parameter *p, int64_t at, int64_t width)
{
    const float *const of[] = {p->w, p->m, p->v};
    NN_UNROLL for (int k = 0; k < 3; k++)
        for (int64_t i = at; of[k] && i < at + width; i += 16)
            NN_PREFETCH_FAR(of[k] + i);
}

/* Compute the gradient of columns [o0, o1) of the sparse layer's weight and hand each row to the
 * optimizer as soon as it is complete, so that the gradient is never written to memory. base:
 * initial value of each row, or null for 0. The naive loop:
 *
 *     for c:
 *         sum[:] = base[:]
 *         for n where x[n, c] is not 0: sum[:] += x[n, c] * grad[n, :]
 *         apply(opt, sum, row c of p)
 *
 * Weight rows are processed in chunks of 64, whose sums stay in cache while the blocks of samples,
 * whose gradients fit in L1, are added one after the other. Rows of pixels that are 0 in the whole
 * batch are skipped unless the optimizer must update them (decay, moments, a stored dW). The
 * gradient is in panels by blocks of samples (nn_batch_panels), `columns` wide in all; the
 * parameter may be in panels. Only rows [c0, c1) of the weight are updated. */
static void NN(sparse_update)(const nn_batch *t, const float *table, const float *grad,
                              int64_t columns, const float *base, int64_t c0, int64_t c1,
                              int64_t o0, int64_t o1, const nn_optimizer *opt,
                              const nn_parameter *p, int64_t ldw)
{
    enum { CHUNK = 64 };
    float sum[CHUNK * 8 * VL] NN_ALIGNED, begin[8 * VL] NN_ALIGNED;
    int32_t list[CHUNK];
    const int64_t stride = t->width + 2;
    const int is_plain = opt->kind == NN_SGD && opt->weight_decay == 0 && ldw == NN_PANELS;
    const int all = base || (opt->kind != NN_ADD && opt->kind != NN_SGD) || opt->weight_decay != 0;
    if (!t->blocks) /* no samples: the gradient is 0 */
        memset(sum, 0, sizeof sum);
    for (int64_t i = 0; i < nn_panel_count(o0, o1, VL); i++) {
        const nn_panel panel = nn_panel_at(o0, o1, VL, i);
        const int64_t a = panel.a, at = nn_panel_begin(&panel, t->width, ldw);
        const int64_t ld = nn_panel_ld(&panel, ldw);
        const int wide = (int)(panel.b - a);
        for (int o = 0; o < 8 * VL; o++)
            begin[o] = base && o < wide ? base[a + o] : 0;
        float *const plain = is_plain ? p->w + at : 0;
        for (int64_t c = c0; c < c1;) {
            int rows = 0;
            for (; c < c1 && rows < CHUNK; c++) {
                int32_t present = all;
                for (int64_t q = 0; q < t->blocks; q++)
                    present |= t->start[q * stride + c + 1] - t->start[q * stride + c];
                list[rows] = (int32_t)c;
                rows += present != 0;
                if (present && p->m)
                    NN(prefetch_row)(p, at + c * ld, wide);
            }
            for (int64_t q = 0; q < t->blocks; q++) {
                const float *g = grad + q * (t->block + 1) * columns +
                                 nn_panel_begin(&panel, nn_batch_samples(t, q), NN_PANELS);
#define CASE(K)                                                                              \
    case K:                                                                                  \
        NN(sparse_gradient_rows)(K, table, t->entries + t->base[q], t->start + q * stride, list, \
                                 rows, q == 0, begin, g, sum,                                \
                                 q == t->blocks - 1 ? plain : 0, opt->lr);                   \
        break;
                switch (panel.vectors) {
                    CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7) CASE(8)
                }
#undef CASE
            }
            for (int r = 0; r < rows && !plain; r++)
                NN(apply)(opt, wide, sum + r * 8 * VL, p, at + list[r] * ld);
        }
    }
}

/* As sparse_update, for a batch of one and plain SGD, which changes only the rows of nonzero
 * pixels; width is a multiple of 16.
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
