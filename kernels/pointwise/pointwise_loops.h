/* The inner loops of pointwise.pyx, for one instruction set. Noise is in simd/random.h, and four
 * activations in simd/activations.h, because mlp needs them, too.
 *
 * Included once per instruction set, see common/dispatch.h. The loops are plain C that the compiler
 * vectorises; only sums are written with vectors, because the compiler must not change their order.
 *
 * Every output element is a function of its own inputs, or of a sum in one fixed order. So work may
 * be split into rows, columns or multiples of 16 elements with the same bits.
 */

#include "simd/vectors.h"
#include "simd/transcendental.h"
#include "simd/activations.h"
#include "simd/sums.h"
#include "simd/random.h"

/* ------------------------------------------------------------------ activations */

/* ReLU, sigmoid and the two tanh are in simd/activations.h, with the macros. */

NN_INLINE float NN(gelu)(float x)
{
    float bell;
    return x * NN(normal_cdf)(x, &bell);
}

NN_INLINE float NN(gelu_slope)(float x)
{
    float bell;
    const float cdf = NN(normal_cdf)(x, &bell);
    return FUSED(x, bell * 0.398942280f, cdf); /* 1 / sqrt(2 pi) */
}

NN_INLINE float NN(silu_slope)(float x)
{
    const float s = NN(sigmoid)(x);
    return s * (1.0f + x * (1.0f - s));
}

NN_FORWARD(leaky_relu, x > 0 ? x : x * a)
NN_BACKWARD(leaky_relu, x > 0 ? g : g * a)
NN_FORWARD(elu, x > 0 ? x : a * NN(expm1_below_0)(x))
NN_BACKWARD(elu, x > 0 ? g : a * NN(exp_below_0)(x) * g)
NN_FORWARD(gelu, NN(gelu)(x))
NN_BACKWARD(gelu, g * NN(gelu_slope)(x))
NN_FORWARD(silu, x * NN(sigmoid)(x))
NN_BACKWARD(silu, g * NN(silu_slope)(x))
NN_BOTH(add, g + x)
NN_BOTH(add_relu, g + x < 0 ? 0 : g + x)

/* ---------------------------------------------------------------------- softmax */

/* Compute rows [n0, n1) of the softmax of x (rows, columns), or of its logarithm. out may be x.
 *
 *     for n:
 *         e[c] = exp(x[n, c] - max_k x[n, k])
 *         for c: out[n, c] = e[c] / sum_k e[k], or x[n, c] - max_k x[n, k] - log(sum_k e[k])
 *
 * exp is the expensive part, and rows of 10 classes would leave vectors half empty: short rows are
 * processed together, up to 1024 contiguous elements at a time. */
static void NN(softmax_forward)(const float *x, int64_t n0, int64_t n1, int64_t columns,
                                int logarithm, float *out)
{
    const int64_t group = columns < NN_PIECE ? NN_PIECE / columns : 1;
    float e[NN_PIECE], sums[NN_PIECE];
    for (int64_t n = n0; n < n1; n += group) {
        const int64_t rows = n1 - n < group ? n1 - n : group, total = rows * columns;
        float *o = out + n * columns;
        double sum = 0;
        for (int64_t r = 0; r < rows; r++) {
            const float *row = x + (n + r) * columns;
            const float best = NN(largest)(columns, row);
            NN_INDEPENDENT for (int64_t c = 0; c < columns; c++) o[r * columns + c] =
                row[c] - best;
        }
        for (int64_t i = 0; i < total; i += NN_PIECE) {
            const int64_t count = total - i < NN_PIECE ? total - i : NN_PIECE;
            float *to = logarithm ? e : o + i;
            NN_INDEPENDENT for (int64_t j = 0; j < count; j++) to[j] = NN(exp_below_0)(o[i + j]);
            if (total > NN_PIECE)
                sum += NN(sum_of_products)(1, count, to, 0, 0);
            else
                for (int64_t r = 0; r < rows; r++)
                    sums[r] = NN(sum_of_products)(1, columns, to + r * columns, 0, 0);
        }
        if (total > NN_PIECE)
            sums[0] = (float)sum;
        for (int64_t r = 0; r < rows; r++) /* a sum is >= 1: exp(0) of the largest x */
            sums[r] = logarithm ? NN(log_of)(sums[r]) : 1.0f / sums[r];
        for (int64_t r = 0; r < rows; r++) {
            float *row = o + r * columns;
            const float by = sums[r];
            if (logarithm)
                for (int64_t c = 0; c < columns; c++)
                    row[c] -= by;
            else
                for (int64_t c = 0; c < columns; c++)
                    row[c] *= by;
        }
    }
}

/* Backward pass of rows [n0, n1); out may be grad or y.
 *
 *     for n: for c: out[n, c] = y[n, c] * (grad[n, c] - sum_k grad[n, k] * y[n, k])
 *     or, of the logarithm:     grad[n, c] - exp(y[n, c]) * sum_k grad[n, k] */
static void NN(softmax_backward)(const float *grad, const float *y, int64_t n0, int64_t n1,
                                 int64_t columns, int logarithm, float *out)
{
    for (int64_t n = n0; n < n1; n++) {
        const float *g = grad + n * columns, *p = y + n * columns;
        float *o = out + n * columns;
        if (logarithm) {
            const float sum = (float)NN(long_sum)(1, columns, g, 0, 0);
            NN_INDEPENDENT for (int64_t c = 0; c < columns; c++) o[c] =
                g[c] - NN(exp_of)(p[c]) * sum;
        } else {
            const float sum = (float)NN(long_sum)(2, columns, g, p, 0);
            NN_INDEPENDENT for (int64_t c = 0; c < columns; c++) o[c] = p[c] * (g[c] - sum);
        }
    }
}

/* ----------------------------------------------------------------- cross-entropy */

/* max(log(x), -100) for 0 <= x <= 1, otherwise NaN; denormals are scaled by 2^23 first */
NN_INLINE float NN(log_of_share)(float x)
{
    const int tiny = x < 1.2e-38f;
    const float log = NN(log_of)(tiny ? x * 8388608.0f : x) - (tiny ? 15.9423851f : 0.0f);
    const float bounded = log < -100.0f || x == 0 ? -100.0f : log;
    return x >= 0 && x <= 1 ? bounded : NAN;
}

/* Return the binary cross-entropy of n <= NN_PIECE probabilities p, without the factor, and write
 * its gradient to grad, which may be one of the inputs:
 *
 *     for i: loss += -(t[i] * log(p[i]) + (1 - t[i]) * log(1 - p[i]))
 *            grad[i] = factor * (p[i] - t[i]) / (p[i] * (1 - p[i])) */
static float NN(bce)(int64_t n, const float *output, const float *target, float factor,
                     float *grad)
{
    float losses[NN_PIECE];
    NN_INDEPENDENT for (int64_t i = 0; i < n; i++)
    {
        const float p = output[i], q = 1.0f - p, t = target[i], spread = p * q;
        const float log_p = NN(log_of_share)(p);
        /* corrects the rounding error of 1 - p, as in log1p_of */
        const float log_q = NN(log_of_share)(q) + (p > 0.5f ? 0.0f : ((1.0f - q) - p) / q);
        losses[i] = -FUSED(t, log_p, (1.0f - t) * log_q);
        grad[i] = (p - t) / (spread < 1e-12f ? 1e-12f : spread) * factor;
    }
    return NN(sum_of_products)(1, n, losses, 0, 0);
}

/* As bce, with p = sigmoid(x):
 *
 *     for i: loss += log(1 + exp(-|x[i]|)) + max(x[i], 0) - t[i] * x[i]
 *            grad[i] = factor * (sigmoid(x[i]) - t[i]) */
static float NN(bce_with_logits)(int64_t n, const float *output, const float *target,
                                 float factor, float *grad)
{
    float losses[NN_PIECE];
    NN_INDEPENDENT for (int64_t i = 0; i < n; i++)
    {
        const float x = output[i], t = target[i], small = NN(exp_below_0)(-fabsf(x));
        losses[i] = NN(log1p_of)(small) + FUSED(-t, x, x < 0 ? 0.0f : x);
        grad[i] = ((x < 0 ? small : 1.0f) / (1.0f + small) - t) * factor;
    }
    return NN(sum_of_products)(1, n, losses, 0, 0);
}

#define NN_ENTRY(name) [nn_##name] = NN(name),
static const nn_pointwise_table NN(kernels) = {
    .name = NN_STRING(NN_ISA),
    .activations = {NN_ACTIVATIONS(NN_ENTRY)},
    .softmax_forward = NN(softmax_forward),
    .softmax_backward = NN(softmax_backward),
    .bce = NN(bce),
    .bce_with_logits = NN(bce_with_logits),
    .dropout = NN(dropout),
    .gaussian_noise = NN(gaussian_noise),
};
#undef NN_ENTRY
