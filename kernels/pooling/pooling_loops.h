/* The inner loops of pooling.pyx, for one instruction set. Each call handles one plane, a channel
 * of an image.
 *
 * Included once per instruction set, see common/dispatch.h. Rows are processed in whole vectors. A
 * row's last vector extends into the next row, which is written later; pooling.h makes sure that
 * memory follows the last row.
 */

#include "simd/vectors.h"

/* EVEN, ODD: elements of two vectors at even and odd positions. FIRST, SECOND: the reverse, two
 * vectors interleaved. */
#ifdef __clang__
#define MIX(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define MIX(a, b, ...) __builtin_shuffle(a, b, (vi){__VA_ARGS__})
#endif
#if VL == 16
#define EVEN(a, b) MIX(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30)
#define ODD(a, b) MIX(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31)
#define FIRST(a, b) MIX(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define SECOND(a, b) MIX(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
#elif VL == 8
#define EVEN(a, b) MIX(a, b, 0, 2, 4, 6, 8, 10, 12, 14)
#define ODD(a, b) MIX(a, b, 1, 3, 5, 7, 9, 11, 13, 15)
#define FIRST(a, b) MIX(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#define SECOND(a, b) MIX(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
#elif VL == 4
#define EVEN(a, b) MIX(a, b, 0, 2, 4, 6)
#define ODD(a, b) MIX(a, b, 1, 3, 5, 7)
#define FIRST(a, b) MIX(a, b, 0, 4, 1, 5)
#define SECOND(a, b) MIX(a, b, 2, 6, 3, 7)
#else
#define EVEN(a, b) (a)
#define ODD(a, b) (b)
#define FIRST(a, b) (a)
#define SECOND(a, b) (b)
#endif

/* v where its lane is one of the first `count`, else 0 */
NN_INLINE vf NN(first_lanes)(vf v, int64_t count)
{
#if VL > 1
    static const int32_t numbers[16] NN_ALIGNED = {0, 1, 2,  3,  4,  5,  6,  7,
                                                   8, 9, 10, 11, 12, 13, 14, 15};
    const int least = (int)(count < VL ? count : VL);
    return (vf)(BITS(v) & (*(const vi *)numbers < least + (vi){0}));
#else
    return count > 0 ? v : 0;
#endif
}

/* Load VL elements `step` apart. kind: the step if it is 1 or 2, else 0. */
NN_INLINE vf NN(apart)(const int kind, const float *x, int64_t step)
{
    float lanes[VL];
    if (kind == 1)
        return LOAD(x);
    if (kind == 2)
        return EVEN(LOAD(x), LOAD(x + VL));
    for (int j = 0; j < VL; j++)
        lanes[j] = x[j * step];
    return LOAD(lanes);
}

/* Store positions as bytes, and (below) load them. Loops: GCC splits vector conversions into
 * scalars. */
NN_INLINE void NN(store_places)(uint8_t *where, vi at)
{
    int32_t lanes[VL];
    *(vi *)lanes = at;
    for (int j = 0; j < VL; j++)
        where[j] = (uint8_t)lanes[j];
}

NN_INLINE vi NN(load_places)(const uint8_t *where)
{
    int32_t lanes[VL];
    for (int j = 0; j < VL; j++)
        lanes[j] = where[j];
    return *(const vi *)lanes;
}

/* -------------------------------------------------------------------------- maximum */

/* Keep the larger of best and x; of equal numbers or NaNs, the first. */
NN_INLINE void NN(compare)(vf x, int place, vf *best, vi *at)
{
    const vi more = (x > *best) | ((x != x) & (*best == *best));
    *best = (vf)CHOOSE(more, BITS(x), BITS(*best));
    *at = CHOOSE(more, place + (vi){0}, *at);
}

/* Max-pool a plane, VL windows at a time:
 *
 *     for i: for j:
 *         out[i, j] = max_uv x[i * stride_h + u, j * stride_w + v]
 *         where[i, j] = u * kw + v of that maximum */
NN_INLINE void NN(max_plane)(const int kind, const nn_pool *s, const float *x, int64_t ldx,
                             float *out, uint8_t *where)
{
    for (int64_t i = 0; i < s->oh; i++)
        for (int64_t j = 0; j < s->ow; j += VL) {
            const float *const window = x + i * s->stride_h * ldx + j * s->stride_w;
            vf best = NN(apart)(kind, window, s->stride_w);
            vi at = {0};
            int place = 0;
            for (int64_t u = 0; u < s->kh; u++)
                for (int64_t v = 0; v < s->kw; v++)
                    NN(compare)(NN(apart)(kind, window + u * ldx + v, s->stride_w), place++, &best,
                                &at);
            STORE(out + i * s->ow + j, best);
            NN(store_places)(where + i * s->ow + j, at);
        }
}

/* As max_plane, for windows of 2 x 2 at stride 2: the maximum of x[2 i, 2 j], x[2 i, 2 j + 1], x[2
 * i + 1, 2 j] and x[2 i + 1, 2 j + 1], at positions 0 to 3. */
NN_INLINE void NN(max_pairs)(const nn_pool *s, const float *x, int64_t ldx, float *out,
                             uint8_t *where)
{
    for (int64_t i = 0; i < s->oh; i++)
        for (int64_t j = 0; j < s->ow; j += VL) {
            const float *const above = x + 2 * i * ldx + 2 * j, *const below = above + ldx;
            const vf a = LOAD(above), b = LOAD(above + VL), c = LOAD(below), d = LOAD(below + VL);
            vf best = EVEN(a, b);
            vi at = {0};
            NN(compare)(ODD(a, b), 1, &best, &at);
            NN(compare)(EVEN(c, d), 2, &best, &at);
            NN(compare)(ODD(c, d), 3, &best, &at);
            STORE(out + i * s->ow + j, best);
            NN(store_places)(where + i * s->ow + j, at);
        }
}

/* Max-pool a plane. x: the first window's first element, with row stride ldx; out, where (oh,
 * ow). */
static void NN(max_forward)(const nn_pool *s, const float *x, int64_t ldx, float *out,
                            uint8_t *where)
{
    if (s->pairs)
        NN(max_pairs)(s, x, ldx, out, where);
    else if (s->stride_w == 1)
        NN(max_plane)(1, s, x, ldx, out, where);
    else if (s->stride_w == 2)
        NN(max_plane)(2, s, x, ldx, out, where);
    else
        NN(max_plane)(0, s, x, ldx, out, where);
}

/* ----------------------------------------------------------------------- backward pass */

/* Zero the last element of a row of odd width, which is in no window of 2 x 2. */
NN_INLINE void NN(end_row)(const nn_pool *s, float *row)
{
    if (s->w > 2 * s->ow)
        row[s->w - 1] = 0;
}

/* Backward pass to out (h, w), for windows of 2 x 2 at stride 2; if `where` is null, of the
 * average:
 *
 *     for i: for j: for u, v < 2:
 *         out[2 i + u, 2 j + v] = where[i, j] == 2 u + v ? grad[i, j] : 0, or grad[i, j] / 4 */
static void NN(pairs_backward)(const nn_pool *s, const float *grad, const uint8_t *where,
                               float *out)
{
    for (int64_t i = 0; i < s->oh; i++) {
        float *const above = out + 2 * i * s->w, *const below = above + s->w;
        for (int64_t row = 0; row < 2; row++) {
            float *const to = row ? below : above;
            for (int64_t j = 0; j < s->ow; j += VL) {
                vf left = NN(first_lanes)(LOAD(grad + i * s->ow + j), s->ow - j), right;
                if (where) {
                    const vi at = NN(load_places)(where + i * s->ow + j);
                    const vi none = {0};
                    right = (vf)CHOOSE(at == (int)(2 * row + 1) + none, BITS(left), BITS((vf){0}));
                    left = (vf)CHOOSE(at == (int)(2 * row) + none, BITS(left), BITS((vf){0}));
                } else {
                    left *= 0.25f;
                    right = left;
                }
                STORE(to + 2 * j, FIRST(left, right));
                STORE(to + 2 * j + VL, SECOND(left, right));
            }
            NN(end_row)(s, to);
        }
    }
    for (int64_t at = 2 * s->oh * s->w; at < s->h * s->w; at++)
        out[at] = 0;
}

/* --------------------------------------------------------------------------- average */

/* Compute one row of means; sums[c] is the sum of column c over the windows' rows:
 *
 *     for j: out[j] = share * sum_v sums[j * stride_w + v] */
NN_INLINE void NN(mean_row)(const int kind, const nn_pool *s, const float *sums, float share,
                            float *out)
{
    for (int64_t j = 0; j < s->ow; j += VL) {
        vf sum = NN(apart)(kind, sums + j * s->stride_w, s->stride_w);
        for (int64_t v = 1; v < s->kw; v++)
            sum += NN(apart)(kind, sums + j * s->stride_w + v, s->stride_w);
        STORE(out + j, sum * share);
    }
}

/* Average-pool x (h, w) to out (oh, ow); x is 0 in the padding:
 *
 *     for i: for j:
 *         out[i, j] = sum_uv x[i * stride_h - pad_h + u, j * stride_w - pad_w + v] / (kh * kw)
 *
 * Sums are taken down the columns first, then along the row. sums: work space of a padded row,
 * whose first pad_w elements are 0. */
static void NN(avg_forward)(const nn_pool *s, const float *x, float *sums, float *out)
{
    const float share = 1.0f / (float)(s->kh * s->kw);
    for (int64_t i = 0; i < s->oh; i++, out += s->ow) {
        const int64_t top = i * s->stride_h - s->pad_h, lo = top < 0 ? 0 : top;
        const int64_t hi = top + s->kh < s->h ? top + s->kh : s->h;
        if (s->pairs) {
            for (int64_t j = 0; j < s->ow; j += VL) {
                const float *const above = x + top * s->w + 2 * j, *const below = above + s->w;
                const vf a = LOAD(above) + LOAD(below), b = LOAD(above + VL) + LOAD(below + VL);
                STORE(out + j, (EVEN(a, b) + ODD(a, b)) * share);
            }
            continue;
        }
        for (int64_t c = 0; c < s->w; c += VL) {
            vf sum = {0};
            for (int64_t r = lo; r < hi; r++)
                sum += LOAD(x + r * s->w + c);
            STORE(sums + s->pad_w + c, sum);
        }
        for (int64_t c = 0; c < s->pad_w; c++)
            sums[s->pad_w + s->w + c] = 0;
        if (s->stride_w == 1)
            NN(mean_row)(1, s, sums, share, out);
        else if (s->stride_w == 2)
            NN(mean_row)(2, s, sums, share, out);
        else
            NN(mean_row)(0, s, sums, share, out);
    }
}

/* Compute the means of planes of n elements:
 *
 *     for p: out[p * step] = sum_i x[p * ldx + i] / n
 *
 * 1024 elements are summed in float, and these sums in double precision. */
static void NN(means)(int64_t planes, int64_t n, const float *x, int64_t ldx, float *out,
                      int64_t step)
{
    for (int64_t p = 0; p < planes; p++, x += ldx) {
        double sum = 0;
        for (int64_t from = 0; from < n; from += 1024) {
            const int64_t count = n - from < 1024 ? n - from : 1024;
            vf some[WIDE], more[WIDE];
            int64_t i = from;
            NN_UNROLL for (int w = 0; w < WIDE; w++) some[w] = more[w] = (vf){0};
            for (; i + 32 <= from + count; i += 32)
                NN_UNROLL for (int w = 0; w < WIDE; w++)
                {
                    some[w] += LOAD(x + i + w * VL);
                    more[w] += LOAD(x + i + 16 + w * VL);
                }
            if (i + 16 <= from + count) {
                NN_UNROLL for (int w = 0; w < WIDE; w++) some[w] += LOAD(x + i + w * VL);
                i += 16;
            }
            if (i < from + count)
                NN_UNROLL for (int w = 0; w < WIDE; w++)
                    more[w] += NN(first_lanes)(LOAD(x + i + w * VL), from + count - i - w * VL);
            NN_UNROLL for (int w = 0; w < WIDE; w++) some[w] += more[w];
            sum += NN(sum)(some);
        }
        out[p * step] = (float)(sum / (double)n);
    }
}

/* for i: y[i] += x[i] */
static void NN(add)(int64_t n, const float *x, float *y)
{
    NN_INDEPENDENT for (int64_t i = 0; i < n; i++) y[i] += x[i];
}

/* for i: y[i] = value */
static void NN(fill)(int64_t n, float value, float *y)
{
    for (int64_t i = 0; i < n; i++)
        y[i] = value;
}

static const nn_pooling_table NN(kernels) = {
    .name = NN_STRING(NN_ISA),
    .max_forward = NN(max_forward),
    .pairs_backward = NN(pairs_backward),
    .avg_forward = NN(avg_forward),
    .means = NN(means),
    .add = NN(add),
    .fill = NN(fill),
};

#undef MIX
#undef EVEN
#undef ODD
#undef FIRST
#undef SECOND
