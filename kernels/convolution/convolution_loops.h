/* The inner loops of convolution.pyx, for one instruction set.
 *
 * Included once per instruction set, see common/dispatch.h. Every sum has a fixed order, for any
 * number of threads.
 */

#include "simd/vectors.h"
#include "simd/sums.h"
#include "simd/transpose.h"

#if VL == 16
#define PIXELS 8   /* pixels of a tile */
#define VECTORS 3  /* maximum vectors of outputs of a tile */
#elif REGISTERS == 32
#define PIXELS 6 /* with 8, GCC spills a sum to memory */
#define VECTORS 2
#else
#define PIXELS 4
#define VECTORS 2
#endif
#define STEPS 5 /* elements of a run per iteration */

/* -------------------------------------------------------------- pixels times weights */

/* Add one input of each pixel times its weights. */
#define ADD(i)                                                                               \
    {                                                                                        \
        vf some[VECTORS];                                                                    \
        NN_UNROLL for (int v = 0; v < n; v++) some[v] = LOAD(weight + v * VL);               \
        NN_UNROLL for (int k = 0; k < PIXELS; k++) NN_UNROLL for (int v = 0; v < n; v++)     \
            sums[k][v] += from[k][i] * some[v];                                              \
    }

/* Compute PIXELS outputs of `n` vectors each, with the sums in registers; the receptive field of
 * the k-th begins at x[k]:
 *
 *     for k < PIXELS: for o:
 *         out[k, o] = bias[o] + sum_u sum_i p->x[x[k] + u * ldx + i] * w[u, i, o]
 *
 * rows: marks the rows u of the kernel that meet nonzero pixels, or null. */
NN_INLINE void NN(tile)(const int n, const nn_pixels *p, const int32_t *x, const char *rows,
                        const float *w, const float *bias, float *out)
{
    vf sums[PIXELS][VECTORS];
    NN_UNROLL for (int k = 0; k < PIXELS; k++) NN_UNROLL for (int v = 0; v < n; v++)
        sums[k][v] = LOAD(bias + v * VL);
    for (int64_t u = 0; u < p->kh; u++, w += p->run * p->width) {
        if (rows && !rows[u])
            continue;
        const float *from[PIXELS], *weight = w;
        NN_UNROLL for (int k = 0; k < PIXELS; k++) from[k] = p->x + x[k] + u * p->ldx;
        int64_t i = 0;
        for (; i + STEPS <= p->run; i += STEPS)
            NN_UNROLL for (int s = 0; s < STEPS; s++, weight += p->width) ADD(i + s)
        for (; i < p->run; i++, weight += p->width)
            ADD(i)
    }
    NN_UNROLL for (int k = 0; k < PIXELS; k++) NN_UNROLL for (int v = 0; v < n; v++)
        STORE(out + k * p->width + v * VL, sums[k][v]);
}

#define TILE(n)                                                                              \
    static void NN(tile_##n)(const nn_pixels *p, const int32_t *x, const char *rows,         \
                             const float *w, const float *bias, float *out)                  \
    {                                                                                        \
        NN(tile)(n, p, x, rows, w, bias, out);                                               \
    }
TILE(1)
TILE(2)
#if VECTORS > 2
TILE(3)
#endif
#undef TILE

/* Mark the rows of weights that meet nonzero pixels, for `count` output pixels from (i, j) on. */
NN_INLINE void NN(look)(const nn_pixels *p, int64_t i, int64_t j, int64_t count, char *rows)
{
    memset(rows, 0, (size_t)p->kh);
    for (; count > 0; i++, j = 0) { /* the pixels of one row at a time */
        const int32_t *const ends = p->ends + 2 * (i * p->stride_h);
        const int64_t some = nn_least(count, p->ow - j);
        const int64_t lo = j * p->step_w, hi = lo + (some - 1) * p->step_w + p->run;
        for (int64_t u = 0; u < p->kh; u++)
            rows[u] |= lo < ends[2 * u + 1] && hi > ends[2 * u];
        count -= some;
    }
}

/* Multiply pixels by weights w (kh, run, width); out is (oh * ow, width):
 *
 *     for i: for j: for o:
 *         out[i, j, o] = bias[o]
 *             + sum_u sum_k x[in_x[i * ow + j] + u * ldx + k] * w[u, k, o]
 *
 * The last tile overlaps the one before it; if there are fewer than PIXELS pixels, in_x and out
 * have room for PIXELS. */
static void NN(product)(const nn_pixels *p, float *out)
{
    const int64_t pixels = p->oh * p->ow;
    const int looks = p->ends && p->kh <= NN_MOST_ROWS;
    char rows[NN_MOST_ROWS];
    for (int64_t q = 0; q < pixels; q += PIXELS) {
        const int64_t first = q + PIXELS > pixels && pixels > PIXELS ? pixels - PIXELS : q;
        if (looks)
            NN(look)(p, first / p->ow, first % p->ow, nn_least(PIXELS, pixels - first), rows);
        int64_t left = p->width / VL, at = 0;
        while (left) {
            /* split 4 into 2 + 2, not 3 + 1 */
            const int64_t n = left == 4 && VECTORS > 2 ? 2 : nn_least(left, VECTORS);
            const float *const w = p->w + at, *const bias = p->bias + at;
            float *const here = out + first * p->width + at;
            const int32_t *const from = p->in_x + first;
#if VECTORS > 2
            if (n == 3)
                NN(tile_3)(p, from, looks ? rows : 0, w, bias, here);
            else
#endif
            if (n == 2)
                NN(tile_2)(p, from, looks ? rows : 0, w, bias, here);
            else
                NN(tile_1)(p, from, looks ? rows : 0, w, bias, here);
            left -= n;
            at += n * VL;
        }
    }
}

/* ------------------------------------------------------------ gradient of the weights */

/* Compute a tile of outer, `n` vectors of outputs, with the sums in registers:
 *
 *     for q < pixels: for k < PIXELS: for o: y[k, o] += x[in_x[q] + k] * g[in_g[q] + o] */
NN_INLINE void NN(outer_tile)(const int n, const float *x, const int32_t *in_x, const float *g,
                              const int32_t *in_g, int64_t pixels, int64_t rows, float *y,
                              int64_t width)
{
    vf sums[PIXELS][VECTORS];
    NN_UNROLL for (int k = 0; k < PIXELS; k++) NN_UNROLL for (int v = 0; v < n; v++)
        sums[k][v] = (vf){0};
    for (int64_t q = 0; q < pixels; q++) {
        const float *const from = x + in_x[q], *const grad = g + in_g[q];
        vf some[VECTORS];
        NN_UNROLL for (int v = 0; v < n; v++) some[v] = LOAD(grad + v * VL);
        NN_UNROLL for (int k = 0; k < PIXELS; k++) NN_UNROLL for (int v = 0; v < n; v++)
            sums[k][v] += from[k] * some[v];
    }
    NN_UNROLL for (int k = 0; k < PIXELS; k++) if (k < rows)
        NN_UNROLL for (int v = 0; v < n; v++)
            STORE(y + k * width + v * VL, LOAD(y + k * width + v * VL) + sums[k][v]);
}

#define OUTER(n)                                                                             \
    static void NN(outer_##n)(const float *x, const int32_t *in_x, const float *g,           \
                              const int32_t *in_g, int64_t pixels, int64_t rows, float *y,   \
                              int64_t width)                                                 \
    {                                                                                        \
        NN(outer_tile)(n, x, in_x, g, in_g, pixels, rows, y, width);                         \
    }
OUTER(1)
OUTER(2)
#if VECTORS > 2
OUTER(3)
#endif
#undef OUTER

/* Add to sums (kh, run, width) the outer product of each pixel's receptive field (x from in_x on)
 * and its gradient (g from in_g on):
 *
 *     for q: for u: for k: for o: sums[u, k, o] += x[in_x[q] + u * ldx + k] * g[in_g[q] + o] */
static void NN(outer)(const float *x, int64_t ldx, int64_t kh, int64_t run, const int32_t *in_x,
                      const float *g, const int32_t *in_g, int64_t pixels, float *sums,
                      int64_t width)
{
    for (int64_t u = 0; u < kh; u++)
        for (int64_t k = 0; k < run; k += PIXELS) {
            const float *const from = x + u * ldx + k;
            float *const to = sums + (u * run + k) * width;
            const int64_t rows = nn_least(PIXELS, run - k);
            int64_t left = width / VL, at = 0;
            while (left) {
                const int64_t n = left == 4 && VECTORS > 2 ? 2 : nn_least(left, VECTORS);
#if VECTORS > 2
                if (n == 3)
                    NN(outer_3)(from, in_x, g + at, in_g, pixels, rows, to + at, width);
                else
#endif
                if (n == 2)
                    NN(outer_2)(from, in_x, g + at, in_g, pixels, rows, to + at, width);
                else
                    NN(outer_1)(from, in_x, g + at, in_g, pixels, rows, to + at, width);
                left -= n;
                at += n * VL;
            }
        }
}

/* --------------------------------------------------------------------------- pooling */

/* Keep the larger of best and x, and its position k; of equal numbers or NaNs, the first. */
NN_INLINE void NN(keep_larger)(vf x, int k, vf *best, vi *at)
{
    const vi more = ((x <= *best) == (vi){0}) & (*best == *best); /* also true if x is NaN */
    *at = CHOOSE(more, k + (vi){0}, *at);
    *best = (vf)CHOOSE(more, BITS(x), BITS(*best));
}

/* Max-pool image (oh * ow, width) to out (ph * pw, width), with ReLU if s->relu:
 *
 *     for i: for j: for c: out[i, j, c] = max_uv image[i * pool + u, j * pool + v, c], at least 0
 *
 * place: u * pool + v of the first maximum of each window, or of its first NaN. */
static void NN(pool)(const nn_conv *s, const float *image, int64_t width, float *out,
                     int32_t *place)
{
    const float least = s->relu ? 0.0f : -INFINITY;
    for (int64_t i = 0; i < s->ph; i++)
        for (int64_t j = 0; j < s->pw; j++, out += width, place += width)
            for (int64_t c = 0; c < width; c += VL) {
                const float *const window = image + (i * s->pool * s->ow + j * s->pool) * width + c;
                vf best = LOAD(window);
                vi at = {0};
                int k = 0;
                best = (vf)CHOOSE(best < least, BITS(least + (vf){0}), BITS(best));
                for (int64_t u = 0; u < s->pool; u++)
                    for (int64_t v = 0; v < s->pool; v++, k++)
                        NN(keep_larger)(LOAD(window + (u * s->ow + v) * width), k, &best, &at);
                STORE(out + c, best);
                if (s->pool > 1)
                    *(vi *)(place + c) = at;
            }
}

/* Backward pass of ReLU, and sums per output; if `out` is null, only the sums of grad (outputs, n):
 *
 *     for o: for i: to[o, i] = out[o, i] > 0 ? grad[o, i] : 0, bias[o] += to[o, i]
 *
 * bias: null if not needed. */
static void NN(mask)(int64_t outputs, int64_t n, const float *grad, const float *out, float *to,
                     float *bias)
{
    for (int64_t o = 0; o < outputs; o++) {
        const float *from = grad + o * n;
        float lanes[16], sum = 0;
        vf some[WIDE];
        int64_t i = 0;
        if (out) {
            const float *const y = out + o * n;
            float *const masked = to + o * n;
            NN_INDEPENDENT for (int64_t q = 0; q < n; q++) masked[q] = y[q] > 0 ? from[q] : 0.0f;
            from = masked;
        }
        if (!bias)
            continue;
        NN_UNROLL for (int w = 0; w < WIDE; w++) some[w] = (vf){0};
        for (; i + 16 <= n; i += 16)
            NN_UNROLL for (int w = 0; w < WIDE; w++) some[w] += LOAD(from + i + w * VL);
        for (; i < n; i++)
            sum += from[i];
        NN(store_wide)(lanes, some);
        for (int l = 0; l < 16; l++)
            sum += lanes[l];
        bias[o] += sum;
    }
}

/* for i: to[i] += x[i] */
static void NN(add)(int64_t n, const float *x, float *to)
{
    NN_INDEPENDENT for (int64_t i = 0; i < n; i++) to[i] += x[i];
}

/* Convert positions to bytes, y[i] = x[i]; widen is the reverse. */
static void NN(narrow)(int64_t n, const int32_t *x, uint8_t *y)
{
    NN_INDEPENDENT for (int64_t i = 0; i < n; i++) y[i] = (uint8_t)x[i];
}

static void NN(widen)(int64_t n, const uint8_t *x, int32_t *y)
{
    NN_INDEPENDENT for (int64_t i = 0; i < n; i++) y[i] = x[i];
}

/* Backward pass of pool, for grad (ph * pw, width); `to` has row stride ldt:
 *
 *     for i: for j: for c: for u: for v:
 *         to[i * pool + u, j * pool + v, c] = place[i, j, c] == u * pool + v ? grad[i, j, c] : 0 */
static void NN(unpool)(const nn_conv *s, const float *grad, const int32_t *place, int64_t width,
                       float *to, int64_t ldt)
{
    for (int64_t i = 0; i < s->ph; i++)
        for (int64_t j = 0; j < s->pw; j++, grad += width, place += width)
            for (int64_t c = 0; c < width; c += VL) {
                float *const window = to + i * s->pool * ldt + j * s->pool * width + c;
                const vf g = LOAD(grad + c);
                const vi at = *(const vi *)(place + c);
                int k = 0;
                for (int64_t u = 0; u < s->pool; u++)
                    for (int64_t v = 0; v < s->pool; v++, k++)
                        STORE(window + u * ldt + v * width,
                              (vf)CHOOSE(at == k, BITS(g), BITS((vf){0})));
            }
}

/* out[c] = sum_n sum_i grad[n, c, i], for channels [c0, c1) of grad (n, channels, pixels) */
static void NN(channel_bias)(const float *grad, int64_t n, int64_t channels, int64_t pixels,
                             int64_t c0, int64_t c1, float *out)
{
    for (int64_t c = c0; c < c1; c++) {
        double sums[2];
        NN(channel_sums)(NN(plain), n, channels, pixels, c, grad, 0, 0, 0, sums);
        out[c] = (float)sums[0];
    }
}

#include "convolution/planes_loops.h"
#include "convolution/rows_loops.h"
#include "convolution/winograd_loops.h"
#include "convolution/spikes_loops.h"

static const nn_convolution_table NN(kernels) = {
    .name = NN_STRING(NN_ISA),
    .vector = VL,
    .transpose = NN(transpose),
    .transpose_lines = NN(transpose_lines),
    .product = NN(product),
    .planes = NN(planes),
    .rows = NN(rows),
    .outer = NN(outer),
    .winograd_pack = NN(winograd_pack),
    .winograd = NN(winograd),
    .winograd_outer = NN(winograd_outer),
    .pool = NN(pool),
    .unpool = NN(unpool),
    .mask = NN(mask),
    .add = NN(add),
    .narrow = NN(narrow),
    .widen = NN(widen),
    .gather = NN(gather),
    .gather_apart = NN(gather_apart),
    .channel_bias = NN(channel_bias),
};

#undef PIXELS
#undef VECTORS
#undef STEPS
#undef ADD
