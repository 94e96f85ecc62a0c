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

/* the sum of all lanes: each step adds to every lane the one that is `half` away */
NN_INLINE float NN(sum)(vf v)
{
#if VL > 1 && !defined(__clang__)
    static const int32_t numbers[16] NN_ALIGNED = {0, 1, 2,  3,  4,  5,  6,  7,
                                                   8, 9, 10, 11, 12, 13, 14, 15};
    const vi lane = *(const vi *)numbers;
    NN_UNROLL for (int half = VL / 2; half; half /= 2)
        v += __builtin_shuffle(v, lane ^ half);
    return v[0];
#else
    float lanes[VL], sum = 0;
    STORE(lanes, v);
    for (int j = 0; j < VL; j++)
        sum += lanes[j];
    return sum;
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
 * sum[r] (+)= sum over the block's samples n of x[n, list[r]] * grad[n].
 * The first block begins with `base`, or with 0 if that is null. */
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
        vf acc[8];
        if (!first_block)
            NN_UNROLL for (int j = 0; j < nv; j++) acc[j] = LOAD(s + j * VL);
        else if (base)
            NN_UNROLL for (int j = 0; j < nv; j++) acc[j] = LOAD(base + AT(j));
        else
            NN_UNROLL for (int j = 0; j < nv; j++) acc[j] = (vf){0};
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
 * What each rule does to element i of a parameter w, given its gradient g; m, v and u are
 * the moments that optimizer.h says it has. The settings come as a copy, so that they stay
 * in registers. */

#define NN_RULE(name)                                                                        \
    NN_INLINE void NN(rule_##name)(const nn_optimizer *o, float g, int64_t i,                \
                                   float *NN_RESTRICT w, float *NN_RESTRICT m,               \
                                   float *NN_RESTRICT v, float *NN_RESTRICT u)
#define NN_UNUSED (void)o, (void)m, (void)v, (void)u

NN_RULE(store)
{
    NN_UNUSED;
    w[i] = g;
}

NN_RULE(add)
{
    NN_UNUSED;
    w[i] += g;
}

NN_RULE(sgd)
{
    NN_UNUSED;
    w[i] -= o->lr * (g + o->weight_decay * w[i]);
}

NN_RULE(momentum)
{
    NN_UNUSED;
    const float velocity = o->momentum * m[i] + (g + o->weight_decay * w[i]);
    m[i] = velocity;
    w[i] -= o->lr * velocity;
}

NN_RULE(nesterov)
{
    NN_UNUSED;
    const float d = g + o->weight_decay * w[i], velocity = o->momentum * m[i] + d;
    m[i] = velocity;
    w[i] -= o->lr * (d + o->momentum * velocity);
}

/* Adam and AdamW: step_size = lr / (1 - beta1^t), root_scale = 1 / sqrt(1 - beta2^t) and
 * keep, which is 1 but for AdamW's decay, are constants of the step. */
NN_RULE(adam)
{
    NN_UNUSED;
    const float d = g + o->weight_decay * w[i];
    const float mean = o->beta1 * m[i] + o->one_minus_beta1 * d;
    const float square = o->beta2 * v[i] + o->one_minus_beta2 * d * d;
    m[i] = mean;
    v[i] = square;
    w[i] = o->keep * w[i] - o->step_size * (mean / (NN_SQRT(square) * o->root_scale + o->eps));
}

NN_RULE(adagrad)
{
    NN_UNUSED;
    const float d = g + o->weight_decay * w[i], total = m[i] + d * d;
    m[i] = total;
    w[i] -= o->lr * (d / (NN_SQRT(total) + o->eps));
}

/* a variance that rounding made negative is 0; NaN stays */
NN_INLINE float NN(rmsprop_change)(const nn_optimizer *o, float d, float square, float average)
{
    const float variance = square - average * average;
    return d / (NN_SQRT(variance < 0 ? 0 : variance) + o->eps);
}

NN_RULE(rmsprop)
{
    NN_UNUSED;
    const float d = g + o->weight_decay * w[i];
    m[i] = o->beta2 * m[i] + o->one_minus_beta2 * d * d;
    w[i] -= o->lr * NN(rmsprop_change)(o, d, m[i], 0);
}

NN_RULE(rmsprop_centered)
{
    NN_UNUSED;
    const float d = g + o->weight_decay * w[i];
    m[i] = o->beta2 * m[i] + o->one_minus_beta2 * d * d;
    v[i] = o->beta2 * v[i] + o->one_minus_beta2 * d;
    w[i] -= o->lr * NN(rmsprop_change)(o, d, m[i], v[i]);
}

NN_RULE(rmsprop_momentum)
{
    NN_UNUSED;
    const float d = g + o->weight_decay * w[i];
    m[i] = o->beta2 * m[i] + o->one_minus_beta2 * d * d;
    v[i] = o->momentum * v[i] + NN(rmsprop_change)(o, d, m[i], 0);
    w[i] -= o->lr * v[i];
}

NN_RULE(rmsprop_centered_momentum)
{
    NN_UNUSED;
    const float d = g + o->weight_decay * w[i];
    m[i] = o->beta2 * m[i] + o->one_minus_beta2 * d * d;
    v[i] = o->beta2 * v[i] + o->one_minus_beta2 * d;
    u[i] = o->momentum * u[i] + NN(rmsprop_change)(o, d, m[i], v[i]);
    w[i] -= o->lr * u[i];
}

NN_RULE(adadelta)
{
    NN_UNUSED;
    const float d = g + o->weight_decay * w[i];
    const float square = o->beta2 * m[i] + o->one_minus_beta2 * d * d;
    const float change = NN_SQRT(v[i] + o->eps) / NN_SQRT(square + o->eps) * d;
    m[i] = square;
    v[i] = o->beta2 * v[i] + o->one_minus_beta2 * change * change;
    w[i] -= o->lr * change;
}

/* Each rule's two loops. update_*: n elements, g their gradients. outer_*: the rows of a
 * weight whose gradient is the outer product of x and g, as a batch of one has it; width
 * and stride are multiples of 16, so that no vector is cut. */
#define NN_LOOPS(name)                                                                       \
    static void NN(update_##name)(const nn_optimizer *opt, int64_t n,                        \
                                  const float *NN_RESTRICT g, float *NN_RESTRICT w,          \
                                  float *NN_RESTRICT m, float *NN_RESTRICT v,                \
                                  float *NN_RESTRICT u)                                      \
    {                                                                                        \
        const nn_optimizer o = *opt;                                                         \
        NN_IVDEP for (int64_t i = 0; i < n; i++)                                             \
            NN(rule_##name)(&o, g[i], i, w, m, v, u);                                        \
    }                                                                                        \
    static void NN(outer_##name)(const nn_optimizer *opt, int64_t rows, const float *x,      \
                                 int64_t width, const float *NN_RESTRICT g,                  \
                                 float *NN_RESTRICT w, float *NN_RESTRICT m,                 \
                                 float *NN_RESTRICT v, float *NN_RESTRICT u, int64_t ld)     \
    {                                                                                        \
        const nn_optimizer o = *opt;                                                         \
        for (int64_t r = 0; r < rows; r++) {                                                 \
            const float f = x[r];                                                            \
            NN_IVDEP for (int64_t c = 0; c < width; c++)                                     \
                NN(rule_##name)(&o, f * g[c], r * ld + c, w, m, v, u);                       \
        }                                                                                    \
    }

NN_LOOPS(store) NN_LOOPS(add) NN_LOOPS(sgd) NN_LOOPS(momentum) NN_LOOPS(nesterov)
NN_LOOPS(adam) NN_LOOPS(adagrad) NN_LOOPS(rmsprop) NN_LOOPS(rmsprop_centered)
NN_LOOPS(rmsprop_momentum) NN_LOOPS(rmsprop_centered_momentum) NN_LOOPS(adadelta)

/* call(name) for the rule of this kind */
#define NN_CHOOSE(kind, call)                                                                \
    switch (kind) {                                                                          \
    case NN_STORE: call(store); break;                                                       \
    case NN_ADD: call(add); break;                                                           \
    case NN_SGD: call(sgd); break;                                                           \
    case NN_MOMENTUM: call(momentum); break;                                                 \
    case NN_NESTEROV: call(nesterov); break;                                                 \
    case NN_ADAM: call(adam); break;                                                         \
    case NN_ADAGRAD: call(adagrad); break;                                                   \
    case NN_RMSPROP: call(rmsprop); break;                                                   \
    case NN_RMSPROP_CENTERED: call(rmsprop_centered); break;                                 \
    case NN_RMSPROP_MOMENTUM: call(rmsprop_momentum); break;                                 \
    case NN_RMSPROP_CENTERED_MOMENTUM: call(rmsprop_centered_momentum); break;               \
    default: call(adadelta); break;                                                          \
    }

static void NN(apply)(const nn_optimizer *opt, int64_t n, const float *g, nn_parameter p)
{
#define CALL(name) NN(update_##name)(opt, n, g, p.w, p.m, p.v, p.u)
    NN_CHOOSE(opt->kind, CALL)
#undef CALL
}

static void NN(apply_outer)(const nn_optimizer *opt, int64_t rows, const float *x, int64_t width,
                            const float *g, nn_parameter p, int64_t ld)
{
#define CALL(name) NN(outer_##name)(opt, rows, x, width, g, p.w, p.m, p.v, p.u, ld)
    NN_CHOOSE(opt->kind, CALL)
#undef CALL
}

#undef NN_RULE
#undef NN_UNUSED
#undef NN_LOOPS
#undef NN_CHOOSE

/* Gradient of columns [o0, o1) of the sparse layer's weight, handed to the optimizer
 * row by row as soon as it is known, so that it never goes to memory. base: what each of
 * its rows begins with, or null for 0.
 *
 * Chunks of 64 weight rows: their sums stay near while the blocks of samples, whose
 * gradients fit in L1, pass by one after the other. Rows of pixels that never occur
 * are skipped unless the optimizer must touch them (decay, moments, a stored dW). */
static void NN(sparse_update)(const nn_rows *x, const nn_columns *t, const float *grad,
                              int64_t ldg, const float *base, int64_t o0, int64_t o1,
                              const nn_optimizer *opt, nn_parameter p, int64_t ldw)
{
    enum { CHUNK = 64 };
    float sum[CHUNK * 8 * VL] NN_ALIGNED;
    float line[8 * VL] NN_ALIGNED;
    int32_t list[CHUNK];
    const int64_t width = o1 - o0, stride = t->width + 1;
    const int all = base || (opt->kind != NN_ADD && opt->kind != NN_SGD) || opt->weight_decay != 0;
    if (width <= 0)
        return;
    if (!t->blocks) /* no sample, a gradient of zeros */
        memset(sum, 0, sizeof sum);
    if (width < VL && ldg < VL) {
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
                        line[o] += x->table[entry >> 8] * g[o];
                }
            if (present)
                NN(apply)(opt, width, line, nn_at(p, c * ldw + o0));
        }
        return;
    }
    const int64_t units = (width + VL - 1) / VL, panels = (units + 7) / 8;
    for (int64_t i = 0; i < panels; i++) {
        const int64_t u0 = units * i / panels, u1 = units * (i + 1) / panels;
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
                                 list, rows, q == 0, base ? base + a : 0,                    \
                                 grad + q * t->block * ldg + a, ldg, wide, sum);             \
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
                NN(apply)(opt, wide, g, nn_at(p, list[r] * ldw + a));
            }
        }
    }
}

/* The same for a batch of one and plain SGD, which changes only the rows of its pixels:
 * w[column] += factor * pixel * grad; width a multiple of 16. */
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
        float tile[8 * VL];
        if (e->opt) {
            NN_UNROLL for (int j = 0; j < nv; j++) STORE(tile + AT(j), acc[i][j]);
            NN(apply)(e->opt, width, tile, nn_at(e->p, (r0 + i) * e->ldo + c0));
            continue;
        }
        float *o = e->out + (r0 + i) * e->ldo + c0;
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
                    NN(apply)(e->opt, 1, &s, nn_at(e->p, at));
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
            int64_t o = 0;
            NN_UNROLL for (int j = 0; j < 4; j++) acc[j] = (vf){0};
            for (; o + 4 * VL <= columns; o += 4 * VL)
                NN_UNROLL for (int j = 0; j < 4; j++) acc[j] +=
                    LOAD(g + o + j * VL) * LOAD(row + o + j * VL);
            NN_UNROLL for (int j = 0; j < 3; j++) if (o + VL <= columns) {
                acc[j] += LOAD(g + o) * LOAD(row + o);
                o += VL;
            }
            float sum = NN(sum)((acc[0] + acc[1]) + (acc[2] + acc[3]));
            for (; o < columns; o++)
                sum += g[o] * row[o];
            out[n * ldo + i] = mask && !(mask[n * ldm + i] > 0) ? 0 : sum;
        }
}

/* sum[o] += the sum of w's rows [r0, r1) for columns [o0, o1), one row after the other, so
 * that it may be had in parts */
NN_INLINE void NN(add_rows_panel)(const int nv, const float *w, int64_t ldw, int64_t r0,
                                  int64_t r1, float *sum)
{
    vf acc[8];
    NN_UNROLL for (int j = 0; j < nv; j++) acc[j] = LOAD(sum + j * VL);
    for (int64_t r = r0; r < r1; r++)
        NN_UNROLL for (int j = 0; j < nv; j++) acc[j] += LOAD(w + r * ldw + j * VL);
    NN_UNROLL for (int j = 0; j < nv; j++) STORE(sum + j * VL, acc[j]);
}

static void NN(add_rows)(const float *w, int64_t ldw, int64_t r0, int64_t r1, int64_t o0,
                         int64_t o1, float *sum)
{
    int64_t o = o0;
    for (; o + VL <= o1;) {
        const int64_t nv = (o1 - o) / VL < 8 ? (o1 - o) / VL : 8;
#define CASE(K)                                                                              \
    case K:                                                                                  \
        NN(add_rows_panel)(K, w + o, ldw, r0, r1, sum + o);                                  \
        break;
        switch (nv) { CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7) CASE(8) }
#undef CASE
        o += nv * VL;
    }
    for (; o < o1; o++)
        for (int64_t r = r0; r < r1; r++)
            sum[o] += w[r * ldw + o];
}

/* sum[o] = sum_n grad[n, o] for columns [o0, o1), handed to the optimizer */
static void NN(column_sums)(const float *grad, int64_t ldg, int64_t count, int64_t o0,
                            int64_t o1, const nn_optimizer *opt, nn_parameter p)
{
    float sum[128];
    for (int64_t a = o0; a < o1; a += 128) {
        const int64_t wide = o1 - a < 128 ? o1 - a : 128;
        for (int64_t j = 0; j < wide; j++)
            sum[j] = 0;
        for (int64_t n = 0; n < count; n++)
            for (int64_t j = 0; j < wide; j++)
                sum[j] += grad[n * ldg + a + j];
        NN(apply)(opt, wide, sum, nn_at(p, a));
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

/* rows [n0, n1): losses[n] = factor * sum_c (y[n, c] - target[n, c])^2 and its gradient;
 * returns in how many rows the largest output stands where the target is largest. */
static int64_t NN(mse)(const float *y, int64_t ldy, const float *targets, const int64_t *index,
                       int64_t n0, int64_t n1, int64_t classes, float factor, float *losses,
                       float *grad, int64_t ldg)
{
    int64_t correct = 0;
    for (int64_t n = n0; n < n1; n++) {
        const float *row = y + n * ldy, *target = targets + index[n] * classes;
        float sum = 0;
        int64_t at = 0, wanted = 0;
        for (int64_t c = 0; c < classes; c++) {
            const float d = row[c] - target[c];
            grad[n * ldg + c] = 2 * factor * d;
            sum += d * d;
            at = row[c] > row[at] ? c : at; /* the first of equals, as argmax has it */
            wanted = target[c] > target[wanted] ? c : wanted;
        }
        losses[n] = factor * sum;
        correct += at == wanted;
    }
    return correct;
}

/* ------------------------------------------------------------------ activations */

NN_INLINE float NN(sigmoid)(float x)
{
    const float e = NN(exp_nonpositive)(x < 0 ? x : -x); /* exp(-|x|) cannot overflow */
    return (x < 0 ? e : 1.0f) / (1.0f + e);
}

/* near 0 a polynomial, for there 1 - exp(-2|x|) would lose what x has of digits */
NN_INLINE float NN(tanh)(float x)
{
    const float size = x < 0 ? -x : x, z = x * x;
    const float e = NN(exp_nonpositive)(-2.0f * size), t = (1.0f - e) / (1.0f + e);
    float p = -5.70498872745e-3f;
    p = p * z + 2.06390887954e-2f;
    p = p * z - 5.37397155531e-2f;
    p = p * z + 1.33314422036e-1f;
    p = p * z - 3.33332819422e-1f;
    p = p * z * x + x;
    return size < 0.625f ? p : x < 0 ? -t : t; /* NaN comes through t */
}

/* y = f(y) for a block of so many rows */
static void NN(activate)(int kind, int64_t rows, int64_t width, float *y, int64_t ld)
{
    for (int64_t r = 0; r < rows; r++, y += ld)
        switch (kind) {
        case NN_SIGMOID:
            for (int64_t i = 0; i < width; i++)
                y[i] = NN(sigmoid)(y[i]);
            break;
        case NN_TANH:
            for (int64_t i = 0; i < width; i++)
                y[i] = NN(tanh)(y[i]);
            break;
        case NN_SCALED_TANH:
            for (int64_t i = 0; i < width; i++)
                y[i] = 1.7159f * NN(tanh)(y[i] * (2.0f / 3.0f));
            break;
        case NN_RELU:
            for (int64_t i = 0; i < width; i++)
                y[i] = y[i] < 0 ? 0 : y[i]; /* NaN stays */
            break;
        default: break;
        }
}

/* grad *= f'(x), in terms of y = f(x) */
static void NN(activate_backward)(int kind, int64_t rows, int64_t width, float *NN_RESTRICT grad,
                                  const float *NN_RESTRICT y, int64_t ld)
{
    const float steep = 2.0f / 3.0f * 1.7159f, bend = 2.0f / 3.0f / 1.7159f;
    for (int64_t r = 0; r < rows; r++, grad += ld, y += ld)
        switch (kind) {
        case NN_SIGMOID:
            for (int64_t i = 0; i < width; i++)
                grad[i] *= y[i] * (1 - y[i]);
            break;
        case NN_TANH:
            for (int64_t i = 0; i < width; i++)
                grad[i] *= 1 - y[i] * y[i];
            break;
        case NN_SCALED_TANH:
            for (int64_t i = 0; i < width; i++)
                grad[i] *= steep - bend * (y[i] * y[i]);
            break;
        case NN_RELU:
            for (int64_t i = 0; i < width; i++)
                grad[i] = y[i] > 0 ? grad[i] : 0;
            break;
        default: break;
        }
}

/* ------------------------------------------------------------------ elementwise */

/* rows [n0, n1) of out = scale * images[index] + shift, `width` numbers each */
static void NN(gather_bytes)(const uint8_t *images, const int64_t *index, int64_t n0, int64_t n1,
                             int64_t width, float scale, float shift, float *out)
{
    for (int64_t n = n0; n < n1; n++) {
        const uint8_t *NN_RESTRICT from = images + index[n] * width;
        float *NN_RESTRICT to = out + n * width;
        for (int64_t i = 0; i < width; i++)
            to[i] = scale * (float)from[i] + shift;
    }
}

static void NN(gather_floats)(const float *images, const int64_t *index, int64_t n0, int64_t n1,
                              int64_t width, float scale, float shift, float *out)
{
    for (int64_t n = n0; n < n1; n++) {
        const float *NN_RESTRICT from = images + index[n] * width;
        float *NN_RESTRICT to = out + n * width;
        for (int64_t i = 0; i < width; i++)
            to[i] = scale * from[i] + shift;
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
    NN_STRING(NN_ISA),     NN(sparse_forward), NN(sparse_update), NN(sparse_update_one),
    NN(dense),             NN(dots),           NN(add_rows),      NN(column_sums),
    NN(cross_entropy),     NN(mse),            NN(apply),         NN(apply_outer),
    NN(activate),          NN(activate_backward),                 NN(gather_bytes),
    NN(gather_floats),     NN(relu_forward),   NN(relu_backward),
};

#undef vf
#undef vi
#undef LOAD
#undef STORE
