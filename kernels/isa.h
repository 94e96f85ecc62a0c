/* The inner loops of the MLP kernels, for one instruction set.
 *
 * This file is included by dispatch.h once per instruction set, with
 *     NN(name)   name with the set's suffix, e.g. name_avx512
 *     VL         floats per vector register (16, 8, 4; 1 without GNU vectors)
 *     MR, NR     tile of the dense product: MR rows by NR vectors of accumulators
 * It has no include guard on purpose, and no OpenMP pragma: functions that OpenMP
 * outlines would lose the instruction set, so threads are the caller's business.
 *
 * Every sum here runs in one fixed order that depends neither on how columns are
 * cut into panels nor on how rows are shared among threads: each output element
 * has one accumulator, fed in order. So any split gives the same bits.
 *
 * Tails: a panel at least VL wide puts its last vector at width-VL, overlapping
 * its neighbour (both compute the same bits). A panel narrower than VL reads
 * whole vectors if the row stride allows it, and else goes column by column:
 * pad narrow matrices to a row stride of 16 to stay fast.
 */

#if VL > 1
typedef float NN(vf) __attribute__((vector_size(4 * VL), aligned(4), may_alias));
typedef int NN(vi) __attribute__((vector_size(4 * VL), aligned(4), may_alias));
#else
typedef float NN(vf);
#endif
#define vf NN(vf)
#define vi NN(vi)

#define LOAD(p) (*(const vf *)(p))
#define STORE(p, v) (*(vf *)(p) = (v))

/* max(x, 0) that keeps NaN, so that divergence stays visible as in NumPy */
NN_INLINE vf NN(relu)(vf x)
{
#if VL > 1
    return (vf)((vi)x & ~(x < (vf){0}));
#else
    return x < 0 ? 0 : x;
#endif
}

/* g where y > 0, else 0 */
NN_INLINE vf NN(where_positive)(vf g, vf y)
{
#if VL > 1
    return (vf)((vi)g & (y > (vf){0}));
#else
    return y > 0 ? g : 0;
#endif
}

/* the first `count` lanes only */
static inline void NN(store_some)(float *p, vf v, int count)
{
    float lanes[VL];
    STORE(lanes, v);
    for (int j = 0; j < count; j++)
        p[j] = lanes[j];
}

/* ---------------------------------------------------------------- sparse layer */

/* One panel of out = act(bias + X W), nv vectors wide.
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
#define AT(j) ((j) == nv - 1 ? last : (j) * VL)
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

/* columns [o0, o1) of out = act(bias + X W) for samples [n0, n1) */
static void NN(sparse_forward)(const nn_rows *x, const int64_t *index, int64_t n0, int64_t n1,
                               const float *w, int64_t ldw, const float *bias, int64_t o0,
                               int64_t o1, int relu, float *out, int64_t ldo)
{
    const int64_t width = o1 - o0;
    if (width <= 0 || n0 >= n1)
        return;
    if (width < VL && ldw < VL) {
        for (int64_t n = n0; n < n1; n++)
            for (int64_t o = o0; o < o1; o++) {
                float sum = bias ? bias[o] : 0;
                for (int64_t k = x->indptr[index[n]]; k < x->indptr[index[n] + 1]; k++)
                    sum += x->table[x->vals[k]] * w[x->cols[k] * ldw + o];
                out[n * ldo + o] = relu && sum < 0 ? 0 : sum;
            }
        return;
    }
    const int64_t units = (width + VL - 1) / VL, panels = (units + 7) / 8;
    for (int64_t p = 0; p < panels; p++) {
        const int64_t u0 = units * p / panels, u1 = units * (p + 1) / panels;
        const int64_t a = o0 + u0 * VL, b = o0 + u1 * VL < o1 ? o0 + u1 * VL : o1;
        const int nv = (int)(u1 - u0);
        /* at most 64 KB of a panel's rows at a time; of no use for a few samples */
        const int64_t fit = NN_L1_FLOATS / (nv * VL), count = (x->width + fit - 1) / fit;
        const int64_t row_block = n1 - n0 < 8 ? x->width : (x->width + count - 1) / count;
        const float *bias_at = bias ? bias + a : 0;
#define CASE(K)                                                                              \
    case K:                                                                                  \
        NN(sparse_forward_panel)(K, x, index, n0, n1, w + a, ldw, bias_at, (int)(b - a),     \
                                 relu, out + a, ldo, row_block);                             \
        break;
        switch (nv) { CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7) CASE(8) }
#undef CASE
    }
}

/* Sum of one block of samples into the gradient rows of some columns:
 * sum[r] (+)= sum over the block's samples n of x[n, list[r]] * grad[n]. */
NN_INLINE void NN(sparse_gradient_rows)(
    const int nv, const float *table, const nn_entry *entries, const int32_t *start,
    const int32_t *list, int rows, int first_block, const float *grad, int64_t ldg, int width,
    float *sum)
{
    const int last = width < VL ? 0 : width - VL;
    for (int r = 0; r < rows; r++) {
        const int32_t c = list[r], end = start[c + 1];
        int32_t k = start[c];
        float *s = sum + r * 8 * VL;
        vf acc[8];
        if (first_block)
            NN_UNROLL for (int j = 0; j < nv; j++) acc[j] = (vf){0};
        else
            NN_UNROLL for (int j = 0; j < nv; j++) acc[j] = LOAD(s + j * VL);
        for (; k < end; k++) {
            const unsigned entry = entries[k];
            const float *g = grad + (int64_t)(entry & 255) * ldg;
            const float v = table[entry >> 8];
            NN_UNROLL for (int j = 0; j < nv; j++) acc[j] += v * LOAD(g + AT(j));
        }
        /* each vector has its own place here, the overlap is undone when it is read */
        NN_UNROLL for (int j = 0; j < nv; j++) STORE(s + j * VL, acc[j]);
    }
}

/* ------------------------------------------------------------------- optimizers
 * One pass over n elements of a parameter. m and v are the moments; g is read once. */

#define NN_RULE_ARGS                                                                         \
    const nn_optimizer *opt, int64_t n, const float *NN_RESTRICT g, float *NN_RESTRICT w,          \
        float *NN_RESTRICT m, float *NN_RESTRICT v

static void NN(rule_store)(NN_RULE_ARGS) /* no optimizer: "w" receives the gradient */
{
    (void)opt, (void)m, (void)v;
    for (int64_t i = 0; i < n; i++)
        w[i] = g[i];
}

static void NN(rule_sgd)(NN_RULE_ARGS)
{
    const float lr = opt->lr, decay = opt->weight_decay;
    (void)m, (void)v;
    if (decay != 0)
        for (int64_t i = 0; i < n; i++)
            w[i] -= lr * (g[i] + decay * w[i]);
    else
        for (int64_t i = 0; i < n; i++)
            w[i] -= lr * g[i];
}

static void NN(rule_momentum)(NN_RULE_ARGS)
{
    const float lr = opt->lr, decay = opt->weight_decay, mu = opt->momentum;
    const float ahead = opt->nesterov ? mu : 0;
    (void)v;
    if (opt->nesterov)
        for (int64_t i = 0; i < n; i++) {
            const float d = g[i] + decay * w[i], u = mu * m[i] + d;
            m[i] = u;
            w[i] -= lr * (d + ahead * u);
        }
    else
        for (int64_t i = 0; i < n; i++) {
            const float u = mu * m[i] + (g[i] + decay * w[i]);
            m[i] = u;
            w[i] -= lr * u;
        }
}

/* torch.optim.Adam and AdamW (decoupled): step_size = lr / (1 - beta1^t) and
 * root_scale = 1 / sqrt(1 - beta2^t) are constants of the step. */
static void NN(rule_adam)(NN_RULE_ARGS)
{
    const float b1 = opt->beta1, c1 = opt->one_minus_beta1, b2 = opt->beta2;
    const float c2 = opt->one_minus_beta2, eps = opt->eps, step = opt->step_size;
    const float root = opt->root_scale;
    const float coupled = opt->decoupled ? 0 : opt->weight_decay;
    const float keep = opt->decoupled ? opt->keep : 1;
    for (int64_t i = 0; i < n; i++) {
        const float d = g[i] + coupled * w[i];
        const float a = b1 * m[i] + c1 * d, b = b2 * v[i] + c2 * d * d;
        m[i] = a;
        v[i] = b;
        w[i] = keep * w[i] - step * (a / (NN_SQRT(b) * root + eps));
    }
}

static void NN(apply)(NN_RULE_ARGS)
{
    switch (opt->kind) {
    case NN_STORE: NN(rule_store)(opt, n, g, w, m, v); break;
    case NN_SGD: NN(rule_sgd)(opt, n, g, w, m, v); break;
    case NN_MOMENTUM: NN(rule_momentum)(opt, n, g, w, m, v); break;
    default: NN(rule_adam)(opt, n, g, w, m, v); break;
    }
}

/* Gradient of columns [o0, o1) of the sparse layer's weight, handed to the optimizer
 * row by row as soon as it is known, so that it never goes to memory.
 *
 * Chunks of 64 weight rows: their sums stay near while the blocks of samples, whose
 * gradients fit in L1, pass by one after the other. Rows of pixels that never occur
 * are skipped unless the optimizer must touch them (decay, moments, a stored dW). */
static void NN(sparse_update)(const nn_rows *x, const nn_columns *t, const float *grad,
                              int64_t ldg, int64_t o0, int64_t o1, const nn_optimizer *opt,
                              float *w, float *m, float *v, int64_t ldw)
{
    enum { CHUNK = 64 };
    float sum[CHUNK * 8 * VL] NN_ALIGNED;
    float line[8 * VL] NN_ALIGNED;
    int32_t list[CHUNK];
    const int64_t width = o1 - o0, stride = t->width + 1;
    const int all = opt->kind != NN_SGD || opt->weight_decay != 0;
    if (width <= 0)
        return;
    if (!t->blocks) /* no sample, a gradient of zeros */
        memset(sum, 0, sizeof sum);
    if (width < VL && ldg < VL) {
        for (int64_t c = 0; c < t->width; c++) {
            for (int64_t o = 0; o < width; o++)
                line[o] = 0;
            int present = all;
            for (int64_t b = 0; b < t->blocks; b++)
                for (int32_t k = t->start[b * stride + c]; k < t->start[b * stride + c + 1]; k++) {
                    const nn_entry entry = t->entries[t->base[b] + k];
                    const float *g = grad + (b * t->block + (entry & 255)) * ldg + o0;
                    present = 1;
                    for (int64_t o = 0; o < width; o++)
                        line[o] += x->table[entry >> 8] * g[o];
                }
            const int64_t at = c * ldw + o0;
            if (present)
                NN(apply)(opt, width, line, w + at, m ? m + at : 0, v ? v + at : 0);
        }
        return;
    }
    const int64_t units = (width + VL - 1) / VL, panels = (units + 7) / 8;
    for (int64_t p = 0; p < panels; p++) {
        const int64_t u0 = units * p / panels, u1 = units * (p + 1) / panels;
        const int64_t a = o0 + u0 * VL, b = o0 + u1 * VL < o1 ? o0 + u1 * VL : o1;
        const int nv = (int)(u1 - u0), wide = (int)(b - a);
        const int overlap = wide < VL ? 0 : nv * VL - wide;
        for (int64_t c = 0; c < t->width;) {
            int rows = 0;
            for (; c < t->width && rows < CHUNK; c++) {
                int32_t present = all;
                for (int64_t q = 0; q < t->blocks; q++)
                    present |= t->start[q * stride + c + 1] - t->start[q * stride + c];
                list[rows] = (int32_t)c;
                rows += present != 0;
            }
            for (int64_t q = 0; q < t->blocks; q++)
#define CASE(K)                                                                              \
    case K:                                                                                  \
        NN(sparse_gradient_rows)(K, x->table, t->entries + t->base[q], t->start + q * stride,  \
                                 list, rows, q == 0, grad + q * t->block * ldg + a, ldg,     \
                                 wide, sum);                                                 \
        break;
                switch (nv) { CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7) CASE(8) }
#undef CASE
            for (int r = 0; r < rows; r++) {
                const int64_t at = list[r] * ldw + a;
                float *g = sum + r * 8 * VL;
                if (overlap) { /* close the gap before the last vector */
                    const int tail = (nv - 1) * VL;
                    for (int j = 0; j < tail; j++)
                        line[j] = g[j];
                    for (int j = 0; j < VL; j++)
                        line[tail - overlap + j] = g[tail + j];
                    g = line;
                }
                NN(apply)(opt, wide, g, w + at, m ? m + at : 0, v ? v + at : 0);
            }
        }
    }
}

/* ---------------------------------------------------------------- dense products
 * One tile loop serves forward (a = x), the gradient of the weight (a = x transposed)
 * and of the input (b = weight transposed, packed by the caller):
 *     out[r, o] = sum_k a[r * ar + k * ak] * b[k * ldb + o]
 * then bias and ReLU, or the mask of a ReLU, or an optimizer takes the tile. */

NN_INLINE void NN(dense_tile)(
    const int mr, const int nv, const float *a, int64_t ar, int64_t ak, const float *b,
    int64_t ldb, int64_t depth, int width, const nn_epilogue *e, int64_t r0, int64_t c0)
{
    const int partial = width < VL, last = partial ? 0 : width - VL;
    vf acc[MR][NR > 8 ? NR : 8];
    NN_UNROLL for (int i = 0; i < mr; i++)
        NN_UNROLL for (int j = 0; j < nv; j++) acc[i][j] = (vf){0};
    for (int64_t k = 0; k < depth; k++) {
        vf bk[NR > 8 ? NR : 8];
        NN_UNROLL for (int j = 0; j < nv; j++) bk[j] = LOAD(b + AT(j));
        NN_UNROLL for (int i = 0; i < mr; i++) {
            const float s = a[i * ar];
            NN_UNROLL for (int j = 0; j < nv; j++) acc[i][j] += s * bk[j];
        }
        a += ak;
        b += ldb;
    }
    NN_UNROLL for (int i = 0; i < mr; i++) {
        float tile[8 * VL], *o = e->out + (r0 + i) * e->ldo + c0;
        if (e->opt) {
            NN_UNROLL for (int j = 0; j < nv; j++) STORE(tile + AT(j), acc[i][j]);
            const int64_t at = (r0 + i) * e->ldo + c0;
            NN(apply)(e->opt, width, tile, o, e->m ? e->m + at : 0, e->v ? e->v + at : 0);
            continue;
        }
        if (partial) {
            STORE(tile, acc[i][0]);
            for (int j = 0; j < width; j++) {
                float y = tile[j] + (e->bias ? e->bias[c0 + j] : 0);
                if (e->relu)
                    y = y < 0 ? 0 : y;
                if (e->mask && !(e->mask[(r0 + i) * e->ldm + c0 + j] > 0))
                    y = 0;
                o[j] = y;
            }
            continue;
        }
        if (e->bias)
            NN_UNROLL for (int j = 0; j < nv; j++) acc[i][j] += LOAD(e->bias + c0 + AT(j));
        if (e->relu)
            NN_UNROLL for (int j = 0; j < nv; j++) acc[i][j] = NN(relu)(acc[i][j]);
        if (e->mask)
            NN_UNROLL for (int j = 0; j < nv; j++) acc[i][j] =
                NN(where_positive)(acc[i][j], LOAD(e->mask + (r0 + i) * e->ldm + c0 + AT(j)));
        NN_UNROLL for (int j = 0; j < nv; j++) STORE(o + AT(j), acc[i][j]);
    }
}

/* One row by up to 8 vectors: what is left of the rows, and all of a batch of one. */
#define TILE_CASE(M, K)                                                                      \
    case K:                                                                                  \
        NN(dense_tile)(M, K, a + r * ar, ar, ak, b + c, ldb, depth, wide, e, r, c);          \
        break;

/* rows [r0, r1) and columns [c0, c1) */
static void NN(dense)(const float *a, int64_t ar, int64_t ak, const float *b, int64_t ldb,
                      int64_t depth, int64_t r0, int64_t r1, int64_t c0, int64_t c1,
                      const nn_epilogue *e)
{
    const int64_t width = c1 - c0, units = (width + VL - 1) / VL;
    if (width <= 0 || r0 >= r1)
        return;
    if (width < VL && ldb < VL) {
        for (int64_t r = r0; r < r1; r++)
            for (int64_t c = c0; c < c1; c++) {
                float s = 0;
                for (int64_t k = 0; k < depth; k++)
                    s += a[r * ar + k * ak] * b[k * ldb + c];
                const int64_t at = r * e->ldo + c;
                if (e->opt) {
                    NN(apply)(e->opt, 1, &s, e->out + at, e->m ? e->m + at : 0,
                              e->v ? e->v + at : 0);
                    continue;
                }
                s += e->bias ? e->bias[c] : 0;
                if (e->relu)
                    s = s < 0 ? 0 : s;
                if (e->mask && !(e->mask[r * e->ldm + c] > 0))
                    s = 0;
                e->out[at] = s;
            }
        return;
    }
    /* a shallow product (weight gradient of a tiny batch) is all epilogue: long rows */
    const int64_t full = depth < 4 ? r0 : r0 + (r1 - r0) / MR * MR;
    int64_t panels = (units + NR - 1) / NR;
    if (full > r0)
        for (int64_t p = 0; p < panels; p++) {
            const int64_t u0 = units * p / panels, u1 = units * (p + 1) / panels;
            const int64_t c = c0 + u0 * VL;
            const int wide = (int)((c0 + u1 * VL < c1 ? c0 + u1 * VL : c1) - c);
            for (int64_t r = r0; r < full; r += MR)
                switch (u1 - u0) { TILE_CASE(MR, 1) TILE_CASE(MR, 2) TILE_CASE(MR, 3) }
        }
    panels = (units + 7) / 8;
    if (full < r1)
        for (int64_t p = 0; p < panels; p++) {
            const int64_t u0 = units * p / panels, u1 = units * (p + 1) / panels;
            const int64_t c = c0 + u0 * VL;
            const int wide = (int)((c0 + u1 * VL < c1 ? c0 + u1 * VL : c1) - c);
            for (int64_t r = full; r < r1; r++)
                switch (u1 - u0) {
                    TILE_CASE(1, 1) TILE_CASE(1, 2) TILE_CASE(1, 3) TILE_CASE(1, 4)
                    TILE_CASE(1, 5) TILE_CASE(1, 6) TILE_CASE(1, 7) TILE_CASE(1, 8)
                }
        }
}
#undef TILE_CASE
#undef AT

/* Rows [d0, d1) of the input's gradient for few samples, for which transposing the weight
 * would not pay: out[n, i] = sum_o grad[n, o] * w[i, o], and 0 where mask is not positive. */
static void NN(dots)(const float *grad, int64_t ldg, const float *w, int64_t ldw, int64_t count,
                     int64_t columns, int64_t d0, int64_t d1, const float *mask, int64_t ldm,
                     float *out, int64_t ldo)
{
    for (int64_t i = d0; i < d1; i++)
        for (int64_t n = 0; n < count; n++) {
            const float *g = grad + n * ldg, *row = w + i * ldw;
            vf acc[4];
            float lanes[VL], sum = 0;
            int64_t o = 0;
            NN_UNROLL for (int j = 0; j < 4; j++) acc[j] = (vf){0};
            for (; o + 4 * VL <= columns; o += 4 * VL)
                NN_UNROLL for (int j = 0; j < 4; j++) acc[j] +=
                    LOAD(g + o + j * VL) * LOAD(row + o + j * VL);
            for (; o + VL <= columns; o += VL)
                acc[0] += LOAD(g + o) * LOAD(row + o);
            STORE(lanes, (acc[0] + acc[1]) + (acc[2] + acc[3]));
            for (int j = 0; j < VL; j++)
                sum += lanes[j];
            for (; o < columns; o++)
                sum += g[o] * row[o];
            out[n * ldo + i] = mask && !(mask[n * ldm + i] > 0) ? 0 : sum;
        }
}

/* sum[o] = sum_n grad[n, o] for columns [o0, o1), handed to the optimizer */
static void NN(column_sums)(const float *grad, int64_t ldg, int64_t count, int64_t o0,
                            int64_t o1, const nn_optimizer *opt, float *w, float *m, float *v)
{
    float sum[128];
    for (int64_t a = o0; a < o1; a += 128) {
        const int64_t wide = o1 - a < 128 ? o1 - a : 128;
        for (int64_t j = 0; j < wide; j++)
            sum[j] = 0;
        for (int64_t n = 0; n < count; n++)
            for (int64_t j = 0; j < wide; j++)
                sum[j] += grad[n * ldg + a + j];
        NN(apply)(opt, wide, sum, w + a, m ? m + a : 0, v ? v + a : 0);
    }
}

/* --------------------------------------------------------- softmax, cross-entropy */

/* exp(x) for x <= 0, to 1e-7 relative: x = k ln 2 + r with |r| <= ln 2 / 2, a
 * polynomial in r, and k put into the exponent. Below -87.3 it returns 0. */
NN_INLINE float NN(exp_nonpositive)(float x)
{
    const float y = x < -87.3f ? -87.3f : x;
    const float shifted = y * 1.44269504f + 12582912.0f; /* 1.5 * 2^23 rounds to an integer */
    union { float f; int32_t i; } bits = {shifted};
    const float k = shifted - 12582912.0f;
    const float r = (y - k * 0.693359375f) + k * 2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    bits.i = (int32_t)((uint32_t)(bits.i - 0x4b400000 + 127) << 23);
    const float e = p * bits.f;
    return x < -87.3f ? 0.0f : e; /* NaN fails the test and comes through */
}

/* log(x) for x >= 1, to 1e-7: x = 2^k m with m near 1, a polynomial in m - 1. */
NN_INLINE float NN(log_above_one)(float x)
{
    union { float f; int32_t i; } bits = {x};
    const int32_t k = (bits.i - 0x3f3504f3) >> 23;
    bits.i -= (int32_t)((uint32_t)k << 23);
    const float f = bits.f - 1.0f, e = (float)k;
    float p = 7.0376836292e-2f;
    p = p * f - 1.1514610310e-1f;
    p = p * f + 1.1676998740e-1f;
    p = p * f - 1.2420140846e-1f;
    p = p * f + 1.4249322787e-1f;
    p = p * f - 1.6668057665e-1f;
    p = p * f + 2.0000714765e-1f;
    p = p * f - 2.4999993993e-1f;
    p = p * f + 3.3333331174e-1f;
    p = p * f * f * f - 2.12194440e-4f * e - 0.5f * f * f;
    return x != x ? x : f + p + 0.693359375f * e;
}

/* rows [n0, n1): losses[n] = -sum_c target[c] log softmax(logits[n])[c], grad = (softmax
 * - target) / count, where target is 1 - smoothing at the label and smoothing / classes
 * more everywhere; returns how many rows are largest at their label. grad may be logits.
 *
 * With few classes a row is too short for vectors: 16 rows are taken side by side. */
static int64_t NN(cross_entropy)(const float *logits, int64_t ldl, const int64_t *labels,
                                 const int64_t *index, int64_t n0, int64_t n1, int64_t classes,
                                 int64_t count, double smoothing, float *losses, float *grad,
                                 int64_t ldg)
{
    enum { SIDE = 16, FEW = 64 };
    int64_t correct = 0;
    const float share = 1.0f / (float)count, keep = (float)(1 - smoothing);
    const float spread = (float)(smoothing / (double)classes), even = spread * share;
    if (classes <= FEW) {
        float z[FEW][SIDE] NN_ALIGNED;
        float best[SIDE], right[SIDE], sum[SIDE], factor[SIDE], all[SIDE];
        int32_t at[SIDE], label[SIDE];
        for (int64_t n = n0; n < n1; n += SIDE) {
            const int rows = n1 - n < SIDE ? (int)(n1 - n) : SIDE;
            for (int i = 0; i < SIDE; i++) {
                const int64_t r = n + (i < rows ? i : 0); /* fill up with the first row */
                label[i] = (int32_t)labels[index ? index[r] : r];
                right[i] = logits[r * ldl + label[i]];
                for (int64_t c = 0; c < classes; c++)
                    z[c][i] = logits[r * ldl + c];
            }
            for (int i = 0; i < SIDE; i++) {
                best[i] = z[0][i];
                at[i] = 0;
                sum[i] = 0;
                all[i] = 0;
            }
            for (int64_t c = 1; c < classes; c++)
                for (int i = 0; i < SIDE; i++) { /* the first of equals, as argmax has it */
                    at[i] = z[c][i] > best[i] ? (int32_t)c : at[i];
                    best[i] = z[c][i] > best[i] ? z[c][i] : best[i];
                }
            if (smoothing != 0)
                for (int64_t c = 0; c < classes; c++)
                    for (int i = 0; i < SIDE; i++)
                        all[i] += z[c][i] - best[i];
            for (int64_t c = 0; c < classes; c++)
                for (int i = 0; i < SIDE; i++) {
                    z[c][i] = NN(exp_nonpositive)(z[c][i] - best[i]);
                    sum[i] += z[c][i];
                }
            for (int i = 0; i < SIDE; i++) {
                factor[i] = share / sum[i];
                sum[i] = NN(log_above_one)(sum[i]) - keep * (right[i] - best[i]) - spread * all[i];
            }
            for (int i = 0; i < rows; i++) {
                float *g = grad + (n + i) * ldg;
                for (int64_t c = 0; c < classes; c++)
                    g[c] = z[c][i] * factor[i] - even;
                g[label[i]] -= keep * share;
                losses[n + i] = sum[i];
                correct += at[i] == label[i];
            }
        }
        return correct;
    }
    for (int64_t n = n0; n < n1; n++) {
        const float *row = logits + n * ldl;
        float *g = grad + n * ldg, best = row[0], sum = 0, all = 0;
        const int64_t label = labels[index ? index[n] : n];
        const float right = row[label];
        int64_t at = 0;
        for (int64_t c = 1; c < classes; c++)
            if (row[c] > best) {
                best = row[c];
                at = c;
            }
        correct += at == label;
        if (smoothing != 0)
            for (int64_t c = 0; c < classes; c++)
                all += row[c] - best;
        for (int64_t c = 0; c < classes; c++)
            g[c] = NN(exp_nonpositive)(row[c] - best);
        for (int64_t c = 0; c < classes; c++)
            sum += g[c];
        const float factor = share / sum;
        for (int64_t c = 0; c < classes; c++)
            g[c] = g[c] * factor - even;
        g[label] -= keep * share;
        losses[n] = NN(log_above_one)(sum) - keep * (right - best) - spread * all;
    }
    return correct;
}

/* ------------------------------------------------------------------ elementwise */

/* rows [n0, n1) of out = scale * images[index], `width` numbers each */
static void NN(gather_bytes)(const uint8_t *images, const int64_t *index, int64_t n0, int64_t n1,
                             int64_t width, float scale, float *out)
{
    for (int64_t n = n0; n < n1; n++) {
        const uint8_t *NN_RESTRICT from = images + index[n] * width;
        float *NN_RESTRICT to = out + n * width;
        for (int64_t i = 0; i < width; i++)
            to[i] = scale * (float)from[i];
    }
}

static void NN(gather_floats)(const float *images, const int64_t *index, int64_t n0, int64_t n1,
                              int64_t width, float scale, float *out)
{
    for (int64_t n = n0; n < n1; n++) {
        const float *NN_RESTRICT from = images + index[n] * width;
        float *NN_RESTRICT to = out + n * width;
        for (int64_t i = 0; i < width; i++)
            to[i] = scale * from[i];
    }
}

/* out may be x */
static void NN(relu_forward)(int64_t n, const float *x, float *out)
{
    for (int64_t i = 0; i < n; i++)
        out[i] = x[i] < 0 ? 0 : x[i]; /* NaN stays */
}

/* A product, as the reference has it: NaN and infinity in grad make NaN where y <= 0.
 * out may be grad or y. */
static void NN(relu_backward)(int64_t n, const float *grad, const float *y, float *out)
{
    for (int64_t i = 0; i < n; i++)
        out[i] = (y[i] > 0 ? 1.0f : 0.0f) * grad[i];
}

static const nn_kernels NN(kernels) = {
    NN_STRING(NN_ISA), NN(sparse_forward), NN(sparse_update), NN(dense),        NN(dots),
    NN(column_sums),   NN(cross_entropy),  NN(apply),         NN(gather_bytes), NN(gather_floats),
    NN(relu_forward),  NN(relu_backward),
};

#undef vf
#undef vi
#undef LOAD
#undef STORE
#undef NN_RULE_ARGS
