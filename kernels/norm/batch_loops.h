/* Batch norm, for one instruction set.
 *
 * Columns are processed NN_PANEL at a time: 64 rows are summed in float, and those sums in double
 * precision. So the rounding error with 60,000 rows is no larger than with 64.
 *
 * Everything that is read again is kept contiguously in t->space, NN_PANEL elements per row: rows
 * whose stride is a power of two map to few sets of the cache and would be evicted. Fewer columns
 * than a panel are first copied there, so that each loop has whole panels.
 *
 * Small images are rows, too, of columns * inner elements: `inner` neighbouring columns share one
 * sum.
 *
 * Included by norm_loops.h and by mlp/loops.h, once per instruction set. Needs simd/vectors.h.
 */

#define ROWS 64 /* rows that are summed in float */
#define PARTS (NN_PANEL / VL)
/* STRIP, PAIRS: vectors of a panel that are summed at a time. On x86 all of them, although narrow
 * sets then have too few registers: a second pass over the rows costs more than sums in L1. On
 * NEON, which could not be timed, as many as fill half of the registers with sums (two sums per
 * vector of pairs). */
#ifdef NN_NEON
#define STRIP (REGISTERS / 2)
#define PAIRS (REGISTERS / 4)
#else
#define STRIP PARTS
#define PAIRS PARTS
#endif

NN_INLINE void NN(add_parts)(const int parts, const vf *part, double *sums)
{
    float lanes[NN_PANEL];
    NN_UNROLL for (int k = 0; k < parts; k++) STORE(lanes + k * VL, part[k]);
    for (int j = 0; j < parts * VL; j++)
        sums[j] += lanes[j];
}

/* Copy fewer columns than a panel, padded with zeros:
 *
 *     for n: for j < NN_PANEL: to[n, j] = j < wide ? through(x[n, j]) : 0 */
NN_INLINE void NN(lay)(const int relu, const nn_norm *t, const float *x, const float *y, int wide,
                       float *to, int64_t ld)
{
    const int64_t stride = t->columns * t->inner;
    for (int64_t n = 0; n < t->rows; n++, to += ld)
        for (int j = 0; j < NN_PANEL; j++)
            to[j] = j < wide ? NN(through)(relu, x[n * stride + j], y + n * stride, j) : 0.0f;
}

/* For a strip of columns: kept = x, which has row stride ld; sums[j] += sum_n x[n, j]. */
NN_INLINE void NN(keep_columns)(int64_t rows, const float *x, int64_t ld, float *kept, double *sums)
{
    for (int64_t n0 = 0; n0 < rows; n0 += ROWS) {
        const int64_t n1 = rows - n0 < ROWS ? rows : n0 + ROWS;
        vf part[STRIP];
        NN_UNROLL for (int k = 0; k < STRIP; k++) part[k] = (vf){0};
        for (int64_t n = n0; n < n1; n++, x += ld, kept += NN_PANEL)
            NN_UNROLL for (int k = 0; k < STRIP; k++)
            {
                const vf v = LOAD(x + k * VL);
                NN_PREFETCH(x + NN_AHEAD * ld + k * VL);
                STORE(kept + k * VL, v);
                part[k] += v;
            }
        NN(add_parts)(STRIP, part, sums);
    }
}

/* For a strip of columns: kept -= mean; sums[j] += sum_n kept[n, j]^2. */
NN_INLINE void NN(centre_columns)(int64_t rows, const float *mean, float *kept, double *sums)
{
    for (int64_t n0 = 0; n0 < rows; n0 += ROWS) {
        const int64_t n1 = rows - n0 < ROWS ? rows : n0 + ROWS;
        vf part[STRIP];
        NN_UNROLL for (int k = 0; k < STRIP; k++) part[k] = (vf){0};
        for (int64_t n = n0; n < n1; n++, kept += NN_PANEL)
            NN_UNROLL for (int k = 0; k < STRIP; k++)
            {
                const vf v = LOAD(kept + k * VL) - LOAD(mean + k * VL);
                STORE(kept + k * VL, v);
                part[k] += v * v;
            }
        NN(add_parts)(STRIP, part, sums);
    }
}

/* Compute out = kept * scale + bias, with ReLU if relu. */
NN_INLINE void NN(scale_columns)(const int relu, int64_t rows, const float *kept,
                                 const float *scale, const float *bias, float *out, int64_t ld)
{
    for (int64_t n = 0; n < rows; n++, kept += NN_PANEL, out += ld)
        NN_UNROLL for (int k = 0; k < PARTS; k++)
        {
            const vf v = LOAD(kept + k * VL) * LOAD(scale + k * VL) + LOAD(bias + k * VL);
            STORE(out + k * VL, relu ? NN(relu)(v) : v);
        }
}

/* For a strip of columns: store the gradient g (passed back through ReLU if relu) and x - less in
 * kept; g and x have row stride ld. plain[j] += sum of the gradients, product[j] += sum of their
 * products with x - less. */
NN_INLINE void NN(keep_pairs)(const int relu, int64_t rows, const float *g, const float *y,
                              const float *x, int64_t ld, const float *less, float *kept,
                              double *plain, double *product)
{
    for (int64_t n0 = 0; n0 < rows; n0 += ROWS) {
        const int64_t n1 = rows - n0 < ROWS ? rows : n0 + ROWS;
        vf some[PAIRS], more[PAIRS];
        NN_UNROLL for (int k = 0; k < PAIRS; k++) some[k] = more[k] = (vf){0};
        for (int64_t n = n0; n < n1; n++, kept += 2 * NN_PANEL)
            NN_UNROLL for (int k = 0; k < PAIRS; k++)
            {
                const int64_t at = n * ld + k * VL;
                const vf v = LOAD(x + at) - LOAD(less + k * VL);
                vf grad = LOAD(g + at);
                NN_PREFETCH(g + at + NN_AHEAD * ld);
                NN_PREFETCH(x + at + NN_AHEAD * ld);
                if (relu) {
                    grad = NN(where_positive)(grad, LOAD(y + at));
                    NN_PREFETCH(y + at + NN_AHEAD * ld);
                }
                STORE(kept + k * VL, grad);
                STORE(kept + NN_PANEL + k * VL, v);
                some[k] += grad;
                more[k] += grad * v;
            }
        NN(add_parts)(PAIRS, some, plain);
        NN(add_parts)(PAIRS, more, product);
    }
}

/* Compute out = (grad - (x - mean) * tilt - level) * scale. */
NN_INLINE void NN(tilt_columns)(int64_t rows, const float *kept, const float *tilt,
                                const float *level, const float *scale, float *out, int64_t ld)
{
    for (int64_t n = 0; n < rows; n++, kept += 2 * NN_PANEL, out += ld)
        NN_UNROLL for (int k = 0; k < PARTS; k++)
        {
            const vf x = LOAD(kept + NN_PANEL + k * VL);
            const vf g = LOAD(kept + k * VL) - x * LOAD(tilt + k * VL) - LOAD(level + k * VL);
            STORE(out + k * VL, g * LOAD(scale + k * VL));
        }
}

/* Copy `wide` columns of a panel from kept to out. */
NN_INLINE void NN(lift)(const nn_norm *t, int wide, const float *kept, int64_t ld, float *out)
{
    for (int64_t n = 0; n < t->rows; n++)
        memcpy(out + n * t->columns * t->inner, kept + n * ld, (size_t)wide * sizeof *out);
}

/* Call keep_pairs for `wide` columns from `at` on. */
NN_INLINE void NN(keep_some_pairs)(const int relu, const nn_norm *t, int64_t at, int wide,
                                   const float *x, const float *less, double *plain,
                                   double *product)
{
    float *const kept = t->space;
    if (wide == NN_PANEL) {
        for (int j = 0; j < NN_PANEL; j += PAIRS * VL)
            NN(keep_pairs)(relu, t->rows, t->grad + at + j, t->y + at + j, x + at + j,
                           t->columns * t->inner, less + j, kept + j, plain + j, product + j);
        return;
    }
    NN(lay)(relu, t, t->grad + at, t->y + at, wide, kept, 2 * NN_PANEL);
    NN(lay)(0, t, x + at, 0, wide, kept + NN_PANEL, 2 * NN_PANEL);
    for (int j = 0; j < NN_PANEL; j += PAIRS * VL)
        NN(keep_pairs)(0, t->rows, kept + j, 0, kept + NN_PANEL + j, 2 * NN_PANEL, less + j,
                       kept + j, plain + j, product + j);
}

/* Replace each of `inner` neighbouring sums by their total. */
NN_INLINE void NN(fold)(int64_t inner, int wide, double *sums)
{
    for (int64_t a = 0; inner > 1 && a < wide; a += inner) {
        double sum = 0;
        for (int64_t j = 0; j < inner; j++)
            sum += sums[a + j];
        for (int64_t j = 0; j < inner; j++)
            sums[a + j] = sum;
    }
}

/* Copy each channel's value to its `inner` columns. */
NN_INLINE void NN(spread)(int64_t inner, int wide, const float *values, float *to)
{
    if (inner == 1)
        memcpy(to, values, (size_t)wide * sizeof *to);
    for (int64_t a = 0; inner > 1 && a < wide; a += inner)
        for (int64_t j = 0; j < inner; j++)
            to[a + j] = values[a / inner];
}

/* Copy one value per channel back from its columns. */
NN_INLINE void NN(gather)(int64_t inner, int wide, const float *values, float *to)
{
    if (inner == 1)
        memcpy(to, values, (size_t)wide * sizeof *to);
    for (int64_t a = 0; inner > 1 && a < wide; a += inner)
        to[a / inner] = values[a];
}

/* Compute batch norm of columns, or channels, [c0, c1):
 *
 *     for c:
 *         mean[c] = sum_n x[n, c] / rows
 *         variance[c] = sum_n (x[n, c] - mean[c])^2 / rows
 *         for n: out[n, c] = (x[n, c] - mean[c]) * weight[c] / sqrt(variance[c] + eps) + bias[c]
 *
 * then max(out, 0) with ReLU. A channel has rows * inner elements. */
NN_INLINE void NN(norm_forward)(const int relu, const nn_norm *t, int64_t c0, int64_t c1)
{
    const double share = 1 / ((double)t->rows * (double)t->inner);
    const int64_t inner = t->inner, stride = t->columns * inner, most = NN_PANEL / inner;
    for (int64_t c = c0; c < c1; c += most) { /* channels; a: the first column */
        const int wide = (int)((c1 - c < most ? c1 - c : most) * inner), whole = wide == NN_PANEL;
        const int64_t a = c * inner, rows = t->rows;
        double sums[NN_PANEL] = {0}, squares[NN_PANEL] = {0};
        float mean[NN_PANEL], variance[NN_PANEL], scale[NN_PANEL] = {0}, bias[NN_PANEL] = {0};
        float *const kept = t->space;
        NN(spread)(inner, wide, t->weight + c, scale);
        NN(spread)(inner, wide, t->bias + c, bias);
        if (!whole)
            NN(lay)(0, t, t->x + a, 0, wide, kept, NN_PANEL);
        for (int j = 0; j < NN_PANEL; j += STRIP * VL)
            NN(keep_columns)(rows, (whole ? t->x + a : kept) + j, whole ? stride : NN_PANEL,
                             kept + j, sums + j);
        NN(fold)(inner, wide, sums);
        for (int j = 0; j < NN_PANEL; j++)
            mean[j] = (float)(sums[j] * share);
        for (int j = 0; j < NN_PANEL; j += STRIP * VL)
            NN(centre_columns)(rows, mean + j, kept + j, squares + j);
        NN(fold)(inner, wide, squares);
        for (int j = 0; j < NN_PANEL; j++)
            variance[j] = (float)(squares[j] * share);
        for (int j = 0; j < wide; j++)
            scale[j] /= NN_SQRT(variance[j] + t->eps);
        NN(gather)(inner, wide, mean, t->mean + c);
        NN(gather)(inner, wide, variance, t->variance + c);
        NN(scale_columns)(relu, rows, kept, scale, bias, whole ? t->out + a : kept,
                          whole ? stride : NN_PANEL);
        if (!whole)
            NN(lift)(t, wide, kept, NN_PANEL, t->out + a);
    }
}

/* Backward pass, where y = (x - mean) / deviation, deviation = sqrt(variance + eps), and grad is 0
 * where ReLU's output is 0:
 *
 *     for c:
 *         bias_grad[c] = sum_n grad[n, c]
 *         weight_grad[c] = sum_n grad[n, c] * y[n, c]
 *         for n: out[n, c] = weight[c] / deviation[c] * (grad[n, c] - bias_grad[c] / rows
 *                                                        - y[n, c] * weight_grad[c] / rows) */
NN_INLINE void NN(norm_backward)(const int relu, const nn_norm *t, int64_t c0, int64_t c1)
{
    const float share = (float)(1 / ((double)t->rows * (double)t->inner));
    const int64_t inner = t->inner, stride = t->columns * inner, most = NN_PANEL / inner;
    for (int64_t c = c0; c < c1; c += most) { /* channels; a: the first column */
        const int wide = (int)((c1 - c < most ? c1 - c : most) * inner), whole = wide == NN_PANEL;
        const int64_t a = c * inner;
        double bias[NN_PANEL] = {0}, weight[NN_PANEL] = {0};
        float scale[NN_PANEL] = {0}, mean[NN_PANEL] = {0}, level[NN_PANEL] = {0};
        float slope[NN_PANEL] = {0}, tilt[NN_PANEL] = {0}, deviation[NN_PANEL];
        float *const kept = t->space;
        NN(spread)(inner, wide, t->weight + c, scale);
        NN(spread)(inner, wide, t->mean + c, mean);
        NN(spread)(inner, wide, t->variance + c, deviation);
        NN(keep_some_pairs)(relu, t, a, wide, t->x, mean, bias, weight);
        NN(fold)(inner, wide, bias);
        NN(fold)(inner, wide, weight);
        for (int j = 0; j < wide; j++) {
            deviation[j] = NN_SQRT(deviation[j] + t->eps);
            level[j] = (float)bias[j];
            slope[j] = (float)weight[j] / deviation[j];
        }
        NN(gather)(inner, wide, level, t->bias_grad + c);
        NN(gather)(inner, wide, slope, t->weight_grad + c);
        for (int j = 0; j < wide; j++) {
            level[j] *= share;
            tilt[j] = slope[j] * share / deviation[j];
            scale[j] /= deviation[j];
        }
        NN(tilt_columns)(t->rows, kept, tilt, level, scale, whole ? t->out + a : kept,
                         whole ? stride : 2 * NN_PANEL);
        if (!whole)
            NN(lift)(t, wide, kept, 2 * NN_PANEL, t->out + a);
    }
}

/* Compute batch norm with a given mean and variance:
 *
 *     for n: for c:
 *         out[n, c] = (x[n, c] - mean[c]) * weight[c] / sqrt(variance[c] + eps) + bias[c] */
NN_API void NN(batch_norm_apply)(const nn_norm *t, int64_t c0, int64_t c1)
{
    const float eps = t->eps;
    const int64_t inner = t->inner, stride = t->columns * inner, most = NN_PANEL / inner;
    for (int64_t c = c0; c < c1; c += most) { /* channels; a: the first column */
        const int wide = (int)((c1 - c < most ? c1 - c : most) * inner);
        const int64_t a = c * inner;
        float scale[NN_PANEL], shift[NN_PANEL], mean[NN_PANEL], variance[NN_PANEL];
        NN(spread)(inner, wide, t->weight + c, scale);
        NN(spread)(inner, wide, t->bias + c, shift);
        NN(spread)(inner, wide, t->mean + c, mean);
        NN(spread)(inner, wide, t->variance + c, variance);
        for (int j = 0; j < wide; j++) {
            scale[j] /= NN_SQRT(variance[j] + eps);
            shift[j] = FUSED(-mean[j], scale[j], shift[j]);
        }
        for (int64_t n = 0; n < t->rows; n++) {
            const float *x = t->x + n * stride + a;
            float *out = t->out + n * stride + a;
            NN_INDEPENDENT for (int j = 0; j < wide; j++) out[j] =
                FUSED(x[j], scale[j], shift[j]);
        }
    }
}

#define WITH_AND_WITHOUT_RELU(name, loops)                                                   \
    static void NN(name)(const nn_norm *t, int64_t c0, int64_t c1)                           \
    {                                                                                        \
        if (t->relu)                                                                         \
            NN(loops)(1, t, c0, c1);                                                         \
        else                                                                                 \
            NN(loops)(0, t, c0, c1);                                                         \
    }
WITH_AND_WITHOUT_RELU(batch_norm_forward, norm_forward)
WITH_AND_WITHOUT_RELU(batch_norm_backward, norm_backward)
