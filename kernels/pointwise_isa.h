/* The inner loops of activations, noise and normalisation, for one instruction set.
 *
 * Included by dispatch.h once per instruction set, as isa.h is; see there for NN, VL, and why
 * no OpenMP is in it. The loops are plain C that the compiler vectorises; only sums are
 * written with vectors, for the compiler may not change their order by itself.
 *
 * Every output element is a function of its own inputs, or of a sum in one fixed order. So
 * threads may share rows, columns or elements at multiples of 16, and the bits stay the same.
 */

#include "transcendental.h"

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

/* ------------------------------------------------------------------ activations */

/* One function of one number each: value(x, a), and slope(grad, x, a), the backward pass,
 * where x is the input or, for sigmoid and the two tanh, the output of the forward pass;
 * `a` is the setting that some have. out may be x or grad: NN_INDEPENDENT says that no turn
 * of a loop reads what another writes. */

#define FORWARD(name, value)                                                                 \
    static void NN(name##_forward)(int64_t n, const float *grad, const float *xs, float a,   \
                                   float *out)                                               \
    {                                                                                        \
        (void)grad;                                                                          \
        (void)a;                                                                             \
        NN_INDEPENDENT for (int64_t i = 0; i < n; i++)                                       \
        {                                                                                    \
            const float x = xs[i];                                                           \
            out[i] = value;                                                                  \
        }                                                                                    \
    }

#define BOTH(name, value)                                                                    \
    static void NN(name)(int64_t n, const float *grad, const float *xs, float a, float *out) \
    {                                                                                        \
        (void)a;                                                                             \
        NN_INDEPENDENT for (int64_t i = 0; i < n; i++)                                       \
        {                                                                                    \
            const float x = xs[i], g = grad[i];                                              \
            out[i] = value;                                                                  \
        }                                                                                    \
    }

#define BACKWARD(name, slope) BOTH(name##_backward, slope)

NN_INLINE float NN(gelu)(float x)
{
    float bell;
    return x * NN(normal_cdf)(x, &bell);
}

NN_INLINE float NN(gelu_slope)(float x)
{
    float bell;
    const float cdf = NN(normal_cdf)(x, &bell);
    return cdf + x * (bell * 0.398942280f); /* 1 / sqrt(2 pi) */
}

NN_INLINE float NN(silu_slope)(float x)
{
    const float s = NN(sigmoid)(x);
    return s * (1.0f + x * (1.0f - s));
}

FORWARD(sigmoid, NN(sigmoid)(x))
BACKWARD(sigmoid, g * (x * (1.0f - x)))
FORWARD(tanh, NN(tanh_of)(x))
BACKWARD(tanh, g * (1.0f - x * x))
/* LeCun et al. 1998: 1.7159 tanh(2/3 x) */
FORWARD(scaled_tanh, 1.7159f * NN(tanh_of)(x * 0.666666667f))
BACKWARD(scaled_tanh, g * (0.388523030f * (1.7159f - x) * (1.7159f + x)))
FORWARD(leaky_relu, x > 0 ? x : x * a)
BACKWARD(leaky_relu, x > 0 ? g : g * a)
FORWARD(elu, x > 0 ? x : a * NN(expm1_below_0)(x))
BACKWARD(elu, x > 0 ? g : a * NN(exp_below_0)(x) * g)
FORWARD(gelu, NN(gelu)(x))
BACKWARD(gelu, g * NN(gelu_slope)(x))
FORWARD(silu, x * NN(sigmoid)(x))
BACKWARD(silu, g * NN(silu_slope)(x))
BOTH(add, g + x)
BOTH(add_relu, g + x < 0 ? 0 : g + x)

#undef FORWARD
#undef BACKWARD
#undef BOTH

/* ------------------------------------------------------------------------- sums */

/* VL terms of the sum below, from i on */
NN_INLINE vf NN(products)(int64_t i, const float *a, const float *b, const float *c)
{
    vf v = LOAD(a + i);
    if (b)
        v *= LOAD(b + i);
    if (c)
        v *= LOAD(c + i);
    return v;
}

/* sum_i a[i] b[i] c[i], where b and c may be null and then count as 1 */
NN_INLINE float NN(sum_of_products)(int64_t n, const float *a, const float *b, const float *c)
{
    vf acc[4];
    float lanes[VL], sum = 0;
    int64_t i = 0;
    NN_UNROLL for (int j = 0; j < 4; j++) acc[j] = (vf){0};
    for (; i + 4 * VL <= n; i += 4 * VL)
        NN_UNROLL for (int j = 0; j < 4; j++) acc[j] += NN(products)(i + j * VL, a, b, c);
    for (; i + VL <= n; i += VL)
        acc[0] += NN(products)(i, a, b, c);
    STORE(lanes, (acc[0] + acc[1]) + (acc[2] + acc[3]));
    for (int j = 0; j < VL; j++)
        sum += lanes[j];
    for (; i < n; i++)
        sum += a[i] * (b ? b[i] : 1.0f) * (c ? c[i] : 1.0f);
    return sum;
}

/* The same for rows of any length: pieces are added up in double precision. */
NN_INLINE double NN(long_sum)(int64_t n, const float *a, const float *b, const float *c)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i += NN_PIECE)
        sum += NN(sum_of_products)(n - i < NN_PIECE ? n - i : NN_PIECE, a + i, b ? b + i : 0,
                                   c ? c + i : 0);
    return sum;
}

static float NN(largest)(int64_t n, const float *x)
{
    float best = x[0];
    int64_t i = 0;
#if VL > 1
    if (n >= VL) {
        vf most = LOAD(x);
        float lanes[VL];
        for (i = VL; i + VL <= n; i += VL) {
            const vf v = LOAD(x + i);
            const vi more = v > most;
            most = (vf)(((vi)v & more) | ((vi)most & ~more));
        }
        STORE(lanes, most);
        for (int j = 0; j < VL; j++)
            best = lanes[j] > best ? lanes[j] : best;
    }
#endif
    for (; i < n; i++)
        best = x[i] > best ? x[i] : best;
    return best;
}

/* ---------------------------------------------------------------------- softmax */

/* Rows [n0, n1) of the softmax of x (rows, columns), or of its logarithm. out may be x.
 *
 * exp is what costs, and rows of 10 classes would leave vectors half empty: short rows are
 * taken together, some hundred numbers at a time, as they lie one behind the other. */
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
                sum += NN(sum_of_products)(count, to, 0, 0);
            else
                for (int64_t r = 0; r < rows; r++)
                    sums[r] = NN(sum_of_products)(columns, to + r * columns, 0, 0);
        }
        if (total > NN_PIECE)
            sums[0] = (float)sum;
        for (int64_t r = 0; r < rows; r++) /* a sum is at least 1, for the largest x */
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

/* Rows [n0, n1) of out = y * (grad - sum grad y), or of grad - exp(y) * sum grad.
 * out may be grad or y. */
static void NN(softmax_backward)(const float *grad, const float *y, int64_t n0, int64_t n1,
                                 int64_t columns, int logarithm, float *out)
{
    for (int64_t n = n0; n < n1; n++) {
        const float *g = grad + n * columns, *p = y + n * columns;
        float *o = out + n * columns;
        if (logarithm) {
            const float sum = (float)NN(long_sum)(columns, g, 0, 0);
            NN_INDEPENDENT for (int64_t c = 0; c < columns; c++) o[c] =
                g[c] - NN(exp_of)(p[c]) * sum;
        } else {
            const float sum = (float)NN(long_sum)(columns, g, p, 0);
            NN_INDEPENDENT for (int64_t c = 0; c < columns; c++) o[c] = p[c] * (g[c] - sum);
        }
    }
}

/* ----------------------------------------------------------------- cross-entropy */

/* max(log(x), -100) for 0 <= x <= 1, beyond that NaN; 2^23 lifts what is no normal number */
NN_INLINE float NN(log_of_share)(float x)
{
    const int tiny = x < 1.2e-38f;
    const float log = NN(log_of)(tiny ? x * 8388608.0f : x) - (tiny ? 15.9423851f : 0.0f);
    const float bounded = log < -100.0f || x == 0 ? -100.0f : log;
    return x >= 0 && x <= 1 ? bounded : NAN;
}

/* Binary cross-entropy of n <= NN_PIECE shares p, and its gradient in grad, which may be one
 * of the inputs: the loss is returned without the factor. */
static float NN(bce)(int64_t n, const float *output, const float *target, float factor,
                     float *grad)
{
    float losses[NN_PIECE];
    NN_INDEPENDENT for (int64_t i = 0; i < n; i++)
    {
        const float p = output[i], q = 1.0f - p, t = target[i], spread = p * q;
        const float log_p = NN(log_of_share)(p);
        /* 1 - p has lost digits of a small p, as in log1p_of */
        const float log_q = NN(log_of_share)(q) + (p > 0.5f ? 0.0f : ((1.0f - q) - p) / q);
        losses[i] = -(t * log_p + (1.0f - t) * log_q);
        grad[i] = (p - t) / (spread < 1e-12f ? 1e-12f : spread) * factor;
    }
    return NN(sum_of_products)(n, losses, 0, 0);
}

/* The same where the output is to go through a sigmoid first. */
static float NN(bce_with_logits)(int64_t n, const float *output, const float *target,
                                 float factor, float *grad)
{
    float losses[NN_PIECE];
    NN_INDEPENDENT for (int64_t i = 0; i < n; i++)
    {
        const float x = output[i], t = target[i], small = NN(exp_below_0)(-fabsf(x));
        losses[i] = NN(log1p_of)(small) + ((x < 0 ? 0.0f : x) - t * x);
        grad[i] = ((x < 0 ? small : 1.0f) / (1.0f + small) - t) * factor;
    }
    return NN(sum_of_products)(n, losses, 0, 0);
}

/* ------------------------------------------------------------------------ noise */

/* Wellons' triple32: each bit of the result depends on every bit of h. */
NN_INLINE uint32_t NN(mix)(uint32_t h)
{
    h = (h ^ h >> 17) * 0xED5AD4BBu;
    h = (h ^ h >> 11) * 0xAC4C1B51u;
    h = (h ^ h >> 15) * 0x31848BABu;
    return h ^ h >> 14;
}

/* Random number `at` of a key: a function of both and nothing else. */
NN_INLINE uint32_t NN(random_bits)(uint32_t at, uint32_t low, uint32_t high)
{
    return NN(mix)(NN(mix)(at ^ low) + high);
}

/* Elements [lo, hi) of x * scale where their random number is at least `least`, and of 0 * x,
 * which keeps NaN, elsewhere. out may be x. */
static void NN(dropout)(int64_t lo, int64_t hi, const float *x, uint32_t least, float scale,
                        uint32_t low, uint32_t high, float *out)
{
    NN_INDEPENDENT for (uint32_t i = (uint32_t)lo; i < (uint32_t)hi; i++)
    {
        const uint32_t bits = NN(random_bits)(i, low, high);
        out[i] = x[i] * scale * (bits >= least ? 1.0f : 0.0f);
    }
}

/* Elements [lo, hi) of x + std * normal numbers, by Box and Muller. out may be x. */
static void NN(gaussian_noise)(int64_t lo, int64_t hi, const float *x, float std, uint32_t low,
                               uint32_t high, float *out)
{
    const float unit = 1.0f / 4294967296.0f;
    NN_INDEPENDENT for (uint32_t i = (uint32_t)lo; i < (uint32_t)hi; i++)
    {
        const float u = (float)NN(random_bits)(2 * i, low, high);
        const float v = (float)NN(random_bits)(2 * i + 1, low, high);
        const float length = NN_SQRT(-2.0f * NN(log_of)((u + 1.0f) * unit));
        out[i] = length * NN(cos_turns)(v * unit) * std + x[i];
    }
}

/* ---------------------------------------------------------------- normalisation */

/* Columns are taken NN_PANEL at a time: 64 rows are summed in float and those sums in double
 * precision. That loses no more digits with 60,000 rows than with 64.
 *
 * Whatever is read again is kept side by side in t->space, NN_PANEL numbers a row: rows that are
 * a power of two apart fall into few sets of the cache, and would not stay there. Fewer columns
 * are laid there first, so that each loop has whole panels.
 *
 * Small images are rows, too, of columns * inner numbers: `inner` neighbours have one sum. */

#define ROWS 64 /* that are summed in float */
#define PARTS (NN_PANEL / VL)

/* x where y > 0, else 0 */
NN_INLINE vf NN(where_above)(vf x, vf y)
{
#if VL > 1
    return (vf)((vi)x & (y > 0));
#else
    return y > 0 ? x : 0;
#endif
}

/* max(x, 0); NaN stays */
NN_INLINE vf NN(ramp)(vf x)
{
#if VL > 1
    return (vf)((vi)x & ~(x < 0));
#else
    return x < 0 ? 0 : x;
#endif
}

/* What of a gradient comes back through max(., 0), which gave y */
NN_INLINE float NN(through)(const int relu, float grad, const float *y, int64_t at)
{
    return !relu || y[at] > 0 ? grad : 0.0f;
}

NN_INLINE void NN(add_parts)(const vf *part, double *sums)
{
    float lanes[NN_PANEL];
    NN_UNROLL for (int k = 0; k < PARTS; k++) STORE(lanes + k * VL, part[k]);
    for (int j = 0; j < NN_PANEL; j++)
        sums[j] += lanes[j];
}

/* Fewer columns than a panel, and zeros; x or y: those of the other array */
NN_INLINE void NN(lay)(const int relu, const nn_norm *t, const float *x, const float *y, int wide,
                       float *to, int64_t ld)
{
    const int64_t stride = t->columns * t->inner;
    for (int64_t n = 0; n < t->rows; n++, to += ld)
        for (int j = 0; j < NN_PANEL; j++)
            to[j] = j < wide ? NN(through)(relu, x[n * stride + j], y + n * stride, j) : 0.0f;
}

/* kept = x, whose rows are ld apart; sums[j] += sum_n x[n, j] */
NN_INLINE void NN(keep_columns)(int64_t rows, const float *x, int64_t ld, float *kept, double *sums)
{
    for (int64_t n0 = 0; n0 < rows; n0 += ROWS) {
        const int64_t n1 = rows - n0 < ROWS ? rows : n0 + ROWS;
        vf part[PARTS];
        NN_UNROLL for (int k = 0; k < PARTS; k++) part[k] = (vf){0};
        for (int64_t n = n0; n < n1; n++, x += ld, kept += NN_PANEL)
            NN_UNROLL for (int k = 0; k < PARTS; k++)
            {
                const vf v = LOAD(x + k * VL);
                NN_PREFETCH(x + NN_AHEAD * ld + k * VL);
                STORE(kept + k * VL, v);
                part[k] += v;
            }
        NN(add_parts)(part, sums);
    }
}

/* kept -= mean; sums[j] += sum_n of the squares */
NN_INLINE void NN(centre_columns)(int64_t rows, const float *mean, float *kept, double *sums)
{
    for (int64_t n0 = 0; n0 < rows; n0 += ROWS) {
        const int64_t n1 = rows - n0 < ROWS ? rows : n0 + ROWS;
        vf part[PARTS];
        NN_UNROLL for (int k = 0; k < PARTS; k++) part[k] = (vf){0};
        for (int64_t n = n0; n < n1; n++, kept += NN_PANEL)
            NN_UNROLL for (int k = 0; k < PARTS; k++)
            {
                const vf v = LOAD(kept + k * VL) - LOAD(mean + k * VL);
                STORE(kept + k * VL, v);
                part[k] += v * v;
            }
        NN(add_parts)(part, sums);
    }
}

/* out = kept * scale + bias, and what of it is above 0 */
NN_INLINE void NN(scale_columns)(const int relu, int64_t rows, const float *kept,
                                 const float *scale, const float *bias, float *out, int64_t ld)
{
    for (int64_t n = 0; n < rows; n++, kept += NN_PANEL, out += ld)
        NN_UNROLL for (int k = 0; k < PARTS; k++)
        {
            const vf v = LOAD(kept + k * VL) * LOAD(scale + k * VL) + LOAD(bias + k * VL);
            STORE(out + k * VL, relu ? NN(ramp)(v) : v);
        }
}

/* The gradient g, through ReLU if there is one, and x - less, whose rows are ld apart: kept has
 * them side by side; plain[j] += the sum of the gradients, product[j] += that of both together. */
NN_INLINE void NN(keep_pairs)(const int relu, int64_t rows, const float *g, const float *y,
                              const float *x, int64_t ld, const float *less, float *kept,
                              double *plain, double *product)
{
    for (int64_t n0 = 0; n0 < rows; n0 += ROWS) {
        const int64_t n1 = rows - n0 < ROWS ? rows : n0 + ROWS;
        vf some[PARTS], more[PARTS];
        NN_UNROLL for (int k = 0; k < PARTS; k++) some[k] = more[k] = (vf){0};
        for (int64_t n = n0; n < n1; n++, kept += 2 * NN_PANEL)
            NN_UNROLL for (int k = 0; k < PARTS; k++)
            {
                const int64_t at = n * ld + k * VL;
                const vf v = LOAD(x + at) - LOAD(less + k * VL);
                vf grad = LOAD(g + at);
                NN_PREFETCH(g + at + NN_AHEAD * ld);
                NN_PREFETCH(x + at + NN_AHEAD * ld);
                if (relu) {
                    grad = NN(where_above)(grad, LOAD(y + at));
                    NN_PREFETCH(y + at + NN_AHEAD * ld);
                }
                STORE(kept + k * VL, grad);
                STORE(kept + NN_PANEL + k * VL, v);
                some[k] += grad;
                more[k] += grad * v;
            }
        NN(add_parts)(some, plain);
        NN(add_parts)(more, product);
    }
}

/* out = (grad - (x - mean) * tilt - level) * scale */
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

/* Columns of kept, `wide` of a panel, to where they belong */
NN_INLINE void NN(lift)(const nn_norm *t, int wide, const float *kept, int64_t ld, float *out)
{
    for (int64_t n = 0; n < t->rows; n++)
        memcpy(out + n * t->columns * t->inner, kept + n * ld, (size_t)wide * sizeof *out);
}

/* keep_pairs of `wide` columns from `at` on */
NN_INLINE void NN(keep_some_pairs)(const int relu, const nn_norm *t, int64_t at, int wide,
                                   const float *x, const float *less, double *plain,
                                   double *product)
{
    float *const kept = t->space;
    if (wide == NN_PANEL) {
        NN(keep_pairs)(relu, t->rows, t->grad + at, t->y + at, x + at, t->columns * t->inner, less,
                       kept, plain, product);
        return;
    }
    NN(lay)(relu, t, t->grad + at, t->y + at, wide, kept, 2 * NN_PANEL);
    NN(lay)(0, t, x + at, 0, wide, kept + NN_PANEL, 2 * NN_PANEL);
    NN(keep_pairs)(0, t->rows, kept, 0, kept + NN_PANEL, 2 * NN_PANEL, less, kept, plain, product);
}

/* Each of some neighbours receives the sum of them all. */
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

/* A channel's number for each of its neighbours */
NN_INLINE void NN(spread)(int64_t inner, int wide, const float *values, float *to)
{
    if (inner == 1)
        memcpy(to, values, (size_t)wide * sizeof *to);
    for (int64_t a = 0; inner > 1 && a < wide; a += inner)
        for (int64_t j = 0; j < inner; j++)
            to[a + j] = values[a / inner];
}

/* ... and back */
NN_INLINE void NN(gather)(int64_t inner, int wide, const float *values, float *to)
{
    if (inner == 1)
        memcpy(to, values, (size_t)wide * sizeof *to);
    for (int64_t a = 0; inner > 1 && a < wide; a += inner)
        to[a / inner] = values[a];
}

/* Columns [c0, c1) of bias_grad, the sums of grad, and of weight_grad, those of
 * grad * normalised. */
static void NN(norm_parameters)(const nn_norm *t, int64_t c0, int64_t c1)
{
    for (int64_t a = c0; a < c1; a += NN_PANEL) {
        const int wide = (int)(c1 - a < NN_PANEL ? c1 - a : NN_PANEL);
        const float none[NN_PANEL] = {0};
        double bias[NN_PANEL] = {0}, weight[NN_PANEL] = {0};
        NN(keep_some_pairs)(0, t, a, wide, t->normalised, none, bias, weight);
        float *bias_grad = t->bias_grad + a, *weight_grad = t->weight_grad + a;
        NN_INDEPENDENT for (int j = 0; j < wide; j++)
        {
            bias_grad[j] = (float)bias[j];
            weight_grad[j] = (float)weight[j];
        }
    }
}

/* Columns [c0, c1): the batch's mean and variance, and what they make of x */
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
        NN(keep_columns)(rows, whole ? t->x + a : kept, whole ? stride : NN_PANEL, kept, sums);
        NN(fold)(inner, wide, sums);
        for (int j = 0; j < NN_PANEL; j++)
            mean[j] = (float)(sums[j] * share);
        NN(centre_columns)(rows, mean, kept, squares);
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

/* ... and the way back */
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

static void NN(batch_norm_apply)(const nn_norm *t, int64_t c0, int64_t c1)
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
            shift[j] -= mean[j] * scale[j];
        }
        for (int64_t n = 0; n < t->rows; n++) {
            const float *x = t->x + n * stride + a;
            float *out = t->out + n * stride + a;
            NN_INDEPENDENT for (int j = 0; j < wide; j++) out[j] = x[j] * scale[j] + shift[j];
        }
    }
}

/* A channel of larger images by itself. Its numbers lie in planes of `inner`, one for each
 * image; sums are taken of some thousand numbers in vectors of floats, and of these
 * sums in double precision. */

enum { NN(plain), NN(squares), NN(pairs), NN(relu_pairs) };

/* What is summed: v, or the square of (v - less), or of pairs g, which is v, and, in product,
 * g * (x - less); through a ReLU that gave y, if there is one. */
NN_INLINE vf NN(term)(const int kind, const float *v, const float *y, const float *x, float less,
                      vf *product)
{
    vf value = LOAD(v);
    if (kind == NN(squares))
        return (value - less) * (value - less);
    if (kind == NN(relu_pairs))
        value = NN(where_above)(value, LOAD(y));
    if (kind == NN(pairs) || kind == NN(relu_pairs))
        *product += value * (LOAD(x) - less);
    return value;
}

/* The sums of channel c: sums[0] of terms, and of pairs, sums[1] of products. */
NN_INLINE void NN(channel_sums)(const int kind, const nn_norm *t, int64_t c, const float *v,
                                const float *y, const float *x, float less, double *sums)
{
    float plain[VL], product[VL], rest[VL] = {0}, other[VL] = {0};
    vf some[4], more[4];
    int64_t held = 0;
    sums[0] = sums[1] = 0;
    NN_UNROLL for (int k = 0; k < 4; k++) some[k] = more[k] = (vf){0};
    for (int64_t n = 0; n < t->rows; n++) {
        const int64_t plane = (n * t->columns + c) * t->inner;
        for (int64_t from = 0; from < t->inner; from += NN_PIECE) {
            const int64_t left = t->inner - from, count = left < NN_PIECE ? left : NN_PIECE;
            const int64_t at = plane + from;
            int64_t i = 0;
            for (; i + 4 * VL <= count; i += 4 * VL)
                NN_UNROLL for (int k = 0; k < 4; k++) some[k] +=
                    NN(term)(kind, v + at + i + k * VL, y + at + i + k * VL, x + at + i + k * VL,
                             less, &more[k]);
            for (; i + VL <= count; i += VL)
                some[0] += NN(term)(kind, v + at + i, y + at + i, x + at + i, less, &more[0]);
            for (int j = 0; i + j < count; j++) {
                const int64_t q = at + i + j;
                const float one = NN(through)(kind == NN(relu_pairs), v[q], y, q);
                rest[j] += kind == NN(squares) ? (one - less) * (one - less) : one;
                if (kind == NN(pairs) || kind == NN(relu_pairs))
                    other[j] += one * (x[q] - less);
            }
            held += count;
            if (held < NN_PIECE && (n + 1 < t->rows || count < left))
                continue;
            STORE(plain, ((some[0] + some[1]) + (some[2] + some[3])) + LOAD(rest));
            STORE(product, ((more[0] + more[1]) + (more[2] + more[3])) + LOAD(other));
            for (int j = 0; j < VL; j++) {
                sums[0] += plain[j];
                sums[1] += product[j];
                rest[j] = other[j] = 0;
            }
            NN_UNROLL for (int k = 0; k < 4; k++) some[k] = more[k] = (vf){0};
            held = 0;
        }
    }
}

/* bias_grad of channels [c0, c1): the sums of grad */
static void NN(channel_bias)(const nn_norm *t, int64_t c0, int64_t c1)
{
    for (int64_t c = c0; c < c1; c++) {
        double sums[2];
        NN(channel_sums)(NN(plain), t, c, t->grad, 0, 0, 0, sums);
        t->bias_grad[c] = (float)sums[0];
    }
}

NN_INLINE void NN(channels_forward)(const int relu, const nn_norm *t, int64_t c0, int64_t c1)
{
    const double share = 1 / ((double)t->rows * (double)t->inner);
    for (int64_t c = c0; c < c1; c++) {
        double sums[2];
        NN(channel_sums)(NN(plain), t, c, t->x, 0, 0, 0, sums);
        const float mean = (float)(sums[0] * share), bias = t->bias[c];
        NN(channel_sums)(NN(squares), t, c, t->x, 0, 0, mean, sums);
        const float variance = (float)(sums[0] * share);
        const float scale = t->weight[c] / NN_SQRT(variance + t->eps);
        t->mean[c] = mean;
        t->variance[c] = variance;
        for (int64_t n = 0; n < t->rows; n++) {
            const int64_t plane = (n * t->columns + c) * t->inner;
            const float *x = t->x + plane;
            float *out = t->out + plane;
            NN_INDEPENDENT for (int64_t i = 0; i < t->inner; i++)
            {
                const float value = (x[i] - mean) * scale + bias;
                out[i] = relu && value < 0 ? 0 : value;
            }
        }
    }
}

NN_INLINE void NN(channels_backward)(const int relu, const nn_norm *t, int64_t c0, int64_t c1)
{
    const double share = 1 / ((double)t->rows * (double)t->inner);
    for (int64_t c = c0; c < c1; c++) {
        const float mean = t->mean[c], deviation = NN_SQRT(t->variance[c] + t->eps);
        double sums[2];
        NN(channel_sums)(relu ? NN(relu_pairs) : NN(pairs), t, c, t->grad, t->y, t->x, mean, sums);
        const float level = (float)(sums[0] * share), scale = t->weight[c] / deviation;
        t->bias_grad[c] = (float)sums[0];
        t->weight_grad[c] = (float)sums[1] / deviation;
        const float tilt = (float)(t->weight_grad[c] * share) / deviation;
        for (int64_t n = 0; n < t->rows; n++) {
            const int64_t plane = (n * t->columns + c) * t->inner;
            const float *g = t->grad + plane, *x = t->x + plane, *y = t->y + plane;
            float *out = t->out + plane;
            NN_INDEPENDENT for (int64_t i = 0; i < t->inner; i++) out[i] =
                (NN(through)(relu, g[i], y, i) - (x[i] - mean) * tilt - level) * scale;
        }
    }
}

static void NN(channel_norm_apply)(const nn_norm *t, int64_t c0, int64_t c1)
{
    for (int64_t c = c0; c < c1; c++) {
        const float scale = t->weight[c] / NN_SQRT(t->variance[c] + t->eps);
        const float shift = t->bias[c] - t->mean[c] * scale;
        for (int64_t n = 0; n < t->rows; n++) {
            const int64_t plane = (n * t->columns + c) * t->inner;
            const float *x = t->x + plane;
            float *out = t->out + plane;
            NN_INDEPENDENT for (int64_t i = 0; i < t->inner; i++) out[i] = x[i] * scale + shift;
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
WITH_AND_WITHOUT_RELU(channel_norm_forward, channels_forward)
WITH_AND_WITHOUT_RELU(channel_norm_backward, channels_backward)
#undef WITH_AND_WITHOUT_RELU

/* rows [n0, n1) */
static void NN(layer_norm_forward)(const nn_norm *t, int64_t n0, int64_t n1)
{
    const int64_t wide = t->columns;
    const float *weight = t->weight, *bias = t->bias;
    for (int64_t n = n0; n < n1; n++) {
        const float *x = t->x + n * wide;
        float *y = t->normalised + n * wide, *out = t->out + n * wide;
        const float mean = (float)(NN(long_sum)(wide, x, 0, 0) / (double)wide);
        NN_INDEPENDENT for (int64_t c = 0; c < wide; c++) y[c] = x[c] - mean;
        const double variance = NN(long_sum)(wide, y, y, 0) / (double)wide;
        const float deviation = NN_SQRT((float)variance + t->eps), scale = 1.0f / deviation;
        t->variance[n] = deviation;
        NN_INDEPENDENT for (int64_t c = 0; c < wide; c++)
        {
            const float value = y[c] * scale;
            y[c] = value;
            out[c] = value * weight[c] + bias[c];
        }
    }
}

/* rows [n0, n1) */
static void NN(layer_norm_backward)(const nn_norm *t, int64_t n0, int64_t n1)
{
    const int64_t wide = t->columns;
    const float *weight = t->weight;
    for (int64_t n = n0; n < n1; n++) {
        const float *g = t->grad + n * wide, *y = t->normalised + n * wide;
        float *out = t->out + n * wide;
        const float mean = (float)(NN(long_sum)(wide, g, weight, 0) / (double)wide);
        const float tilt = (float)(NN(long_sum)(wide, g, weight, y) / (double)wide);
        const float scale = 1.0f / t->variance[n];
        NN_INDEPENDENT for (int64_t c = 0; c < wide; c++) out[c] =
            (g[c] * weight[c] - y[c] * tilt - mean) * scale;
    }
}

#define NN_ENTRY(name) NN(name),
static const nn_pointwise NN(kernels) = {
    NN_STRING(NN_ISA),
    {NN_ACTIVATIONS(NN_ENTRY)},
    NN(softmax_forward),
    NN(softmax_backward),
    NN(bce),
    NN(bce_with_logits),
    NN(dropout),
    NN(gaussian_noise),
    NN(norm_parameters),
    NN(batch_norm_forward),
    NN(batch_norm_backward),
    NN(batch_norm_apply),
    NN(channel_bias),
    NN(channel_norm_forward),
    NN(channel_norm_backward),
    NN(channel_norm_apply),
    NN(layer_norm_forward),
    NN(layer_norm_backward),
};
#undef NN_ENTRY

#undef vf
#undef vi
#undef LOAD
#undef STORE
#undef ROWS
#undef PARTS
