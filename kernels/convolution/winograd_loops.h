/* Winograd's convolution of 3 x 3 kernels at stride 1, forward and for the gradient of the weights,
 * for one instruction set.
 *
 * Included by convolution_loops.h, whose outer it calls. Lavin and Gray 2016, F(4x4, 3x3):
 *     y = A' [(G w G') . (B' x B)] A
 * where x is the 6 x 6 receptive field of the 4 x 4 outputs y, w the kernel and . the elementwise
 * product. Polynomials are multiplied by their values at 0, +-a, +-b and infinity, a b = 1, b = 2
 * a:
 *          1   0 -5/2  0   1  0           1     0     0           1  1   1   1   1  0
 *          0 -2a  -2   a   1  0         -2/3 -2a/3  -1/3     A' = 0  a  -a   b  -b  0
 *     B' = 0  2a  -2  -a   1  0     G = -2/3  2a/3  -1/3          0 1/2 1/2  2   2  0
 *          0 -b/2 -1/2 b   1  0          1/6   b/6   1/3          0 a/2 -a/2 2b -2b 1
 *          0  b/2 -1/2 -b  1  0          1/6  -b/6   1/3
 *          0   1    0 -5/2 0  1           0     0     1
 * The rounding error is a fifth of that with the points 0, +-1, +-2. Each sum below has only one
 * product that rounds, so the bits do not depend on which product a compiler fuses.
 */

#define ROOT_HALF 0.707106769f /* a; b is its double */

/* Compute B' d. Clang does not fuse a product that two sums share; so here and below the odd parts
 * are computed twice, with opposite signs. */
NN_INLINE void NN(points_of_pixels)(const vf *d, vf *to)
{
    const vf even = d[4] - 2.0f * d[2], odd = d[3] - 2.0f * d[1], minus = 2.0f * d[1] - d[3];
    const vf more = d[4] - 0.5f * d[2], rest = d[3] - 0.5f * d[1], less = 0.5f * d[1] - d[3];
    to[0] = d[0] + d[4] - 2.5f * d[2];
    to[1] = even + ROOT_HALF * odd;
    to[2] = even + ROOT_HALF * minus;
    to[3] = more + 2 * ROOT_HALF * rest;
    to[4] = more + 2 * ROOT_HALF * less;
    to[5] = d[1] + d[5] - 2.5f * d[3];
}

/* Compute G w; differences are taken of four times the terms, which is exact. */
NN_INLINE void NN(points_of_weights)(const vf *w, vf *to)
{
    const vf even = w[0] + 0.5f * w[2], more = w[0] + 2.0f * w[2];
    to[0] = w[0];
    to[1] = (even + ROOT_HALF * w[1]) / -1.5f;
    to[2] = (4.0f * even - 4 * ROOT_HALF * w[1]) / -6.0f;
    to[3] = (more + 2 * ROOT_HALF * w[1]) / 6.0f;
    to[4] = (4.0f * more - 8 * ROOT_HALF * w[1]) / 24.0f;
    to[5] = w[2];
}

/* Compute A g. */
NN_INLINE void NN(points_of_gradients)(const vf *g, vf *to)
{
    const vf even = g[0] + 0.5f * g[2], odd = g[1] + 0.5f * g[3], minus = -g[1] - 0.5f * g[3];
    const vf more = g[0] + 2.0f * g[2], rest = g[1] + 2.0f * g[3], less = -g[1] - 2.0f * g[3];
    to[0] = g[0];
    to[1] = even + ROOT_HALF * odd;
    to[2] = even + ROOT_HALF * minus;
    to[3] = more + 2 * ROOT_HALF * rest;
    to[4] = more + 2 * ROOT_HALF * less;
    to[5] = g[3];
}

/* Compute A' m without the factor a of its second row: that product is not part of a sum here, and
 * some compilers would fuse it with a later sum and others not, which changes the bits. */
NN_INLINE void NN(outputs_of_points)(const vf *m, vf *to)
{
    const vf even = m[1] + m[2], odd = m[1] - m[2], more = m[3] + m[4], rest = m[3] - m[4];
    to[0] = m[0] + even + more;
    to[1] = odd + 2.0f * rest;
    to[2] = 0.5f * even + 2.0f * more;
    to[3] = m[5] + 0.5f * ROOT_HALF * (odd + 8.0f * rest);
}

/* Compute G' m. */
NN_INLINE void NN(weights_of_points)(const vf *m, vf *to)
{
    const vf even = m[1] + m[2], odd = m[1] - m[2], more = m[3] + m[4], rest = m[3] - m[4];
    to[0] = m[0] + (0.25f * more - even) / 1.5f;
    to[1] = ROOT_HALF * (0.5f * rest - odd) / 1.5f;
    to[2] = m[5] + (more - even) / 3.0f;
}

/* Define X x X', where `points` is X:
 *
 *     to[(u * n + v) * step] = sum_ij X[u, i] x[i * ldx + j * ldp] X[v, j], a vector each */
#define BOTH_SIDES(name, points, m, n)                                                       \
    NN_APART void NN(name)(const float *x, int64_t ldx, int64_t ldp, float *to,       \
                                  int64_t step)                                              \
    {                                                                                        \
        vf half[n][m];                                                                       \
        NN_UNROLL for (int j = 0; j < m; j++)                                                \
        {                                                                                    \
            vf column[m], made[n];                                                           \
            NN_UNROLL for (int i = 0; i < m; i++) column[i] = LOAD(x + i * ldx + j * ldp);   \
            NN(points)(column, made);                                                        \
            NN_UNROLL for (int u = 0; u < n; u++) half[u][j] = made[u];                      \
        }                                                                                    \
        NN_UNROLL for (int u = 0; u < n; u++)                                                \
        {                                                                                    \
            vf made[n];                                                                      \
            NN(points)(half[u], made);                                                       \
            NN_UNROLL for (int v = 0; v < n; v++) STORE(to + (u * n + v) * step, made[v]);   \
        }                                                                                    \
    }
BOTH_SIDES(winograd_in, points_of_pixels, 6, 6)
BOTH_SIDES(winograd_weights, points_of_weights, 3, 6)
BOTH_SIDES(winograd_back, points_of_gradients, 4, 6)
BOTH_SIDES(winograd_out, outputs_of_points, 6, 4)
BOTH_SIDES(winograd_end, weights_of_points, 6, 3)
#undef BOTH_SIDES

/* Transform the weights of inputs lo .. hi for `winograd`: to (36, channels, width). f->w: the
 * strides by_from and by_to lead to the nine weights of an input to an output; turned: in reverse
 * order.
 *
 *     for c: for o: to[.., c, o] = G w[c, o] G' */
static void NN(winograd_pack)(const nn_filter *f, int64_t channels, int64_t width, float *to,
                              float *space, int64_t lo, int64_t hi)
{
    memset(space, 0, (size_t)(9 * width) * sizeof *space);
    for (int64_t c = lo; c < hi; c++) {
        if (c < f->from)
            NN(transpose)(f->w + c * f->by_from, f->to, 9, f->by_to, space, width);
        else
            memset(space, 0, (size_t)(9 * width) * sizeof *space);
        for (int64_t o = 0; o < width; o += VL) {
            const float *const first = space + (f->turned ? 8 * width : 0) + o;
            const int64_t next = f->turned ? -width : width;
            NN(winograd_weights)(first, 3 * next, next, to + c * width + o, channels * width);
        }
    }
}

/* Compute sums[t, o] = sum_c x[t, c] w[c, o] for a group of PIXELS tiles t; w (channels, width).
 * winograd_product below does so for `count` tiles, in whole groups: x and sums have room for
 * them. */
NN_INLINE void NN(winograd_tile)(const int n, const float *x, int64_t channels, const float *w,
                                 int64_t width, float *to)
{
    vf sums[PIXELS][VECTORS];
    NN_UNROLL for (int k = 0; k < PIXELS; k++) NN_UNROLL for (int v = 0; v < n; v++)
        sums[k][v] = (vf){0};
    for (int64_t c = 0; c < channels; c++, w += width) {
        vf some[VECTORS];
        NN_UNROLL for (int v = 0; v < n; v++) some[v] = LOAD(w + v * VL);
        NN_UNROLL for (int k = 0; k < PIXELS; k++) NN_UNROLL for (int v = 0; v < n; v++)
            sums[k][v] += x[k * channels + c] * some[v];
    }
    NN_UNROLL for (int k = 0; k < PIXELS; k++) NN_UNROLL for (int v = 0; v < n; v++)
        STORE(to + k * width + v * VL, sums[k][v]);
}

NN_APART void NN(winograd_product)(const float *x, int64_t count, int64_t channels, const float *w,
                                 int64_t width, float *sums)
{
    for (int64_t at = 0; at < width;) {
        const int64_t left = (width - at) / VL, n = left == 1 ? 1 : 2;
        for (int64_t t = 0; t < count; t += PIXELS)
            if (n == 2)
                NN(winograd_tile)(2, x + t * channels, channels, w + at, width,
                                  sums + t * width + at);
            else
                NN(winograd_tile)(1, x + t * channels, channels, w + at, width,
                                  sums + t * width + at);
        at += n * VL;
    }
}

/* Compute the same as `product` for `images` images and a 3 x 3 kernel at stride 1; the frames are
 * `frame` floats apart, w comes from winograd_pack. For NN_WINOGRAD_TILES tiles at a time:
 *
 *     for each tile t: in[0 .. 35, t, :] = B' x[t] B
 *     for k < 36: sums[k] = in[k] w[k]          (tiles, channels) by (channels, width)
 *     for each tile t: out[t] = bias + A' sums[0 .. 35, t, :] A, and ReLU */
static void NN(winograd)(const nn_pixels *p, int64_t images, int64_t frame, float *out,
                         float *space)
{
    const int64_t channels = p->step_w, width = p->width, across = (p->ow + 3) / 4;
    const int64_t each = across * ((p->oh + 3) / 4), total = images * each;
    const int64_t step = nn_winograd_step(channels), apart = nn_winograd_step(width);
    const float factor[3] = {1, ROOT_HALF, 0.5f}; /* powers of a that outputs_of_points omits */
    float *const in = space, *const sums = in + 36 * step;
    for (int64_t first = 0; first < total; first += NN_WINOGRAD_TILES) {
        const int64_t count = nn_least(NN_WINOGRAD_TILES, total - first);
        for (int64_t t = 0; t < count; t++) {
            const int64_t image = (first + t) / each, tile = (first + t) % each;
            const float *const x = p->x + image * frame + 4 * (tile / across) * p->ldx +
                                   4 * (tile % across) * channels;
            for (int64_t c = 0; c < channels; c += VL)
                NN(winograd_in)(x + c, p->ldx, channels, in + t * channels + c, step);
        }
        for (int64_t k = 0; k < 36; k++)
            NN(winograd_product)(in + k * step, count, channels, p->w + k * channels * width, width,
                                 sums + k * apart);
        for (int64_t t = 0; t < count; t++) {
            const int64_t image = (first + t) / each, tile = (first + t) % each;
            const int64_t i = 4 * (tile / across), j = 4 * (tile % across);
            const int64_t down = nn_least(4, p->oh - i), right = nn_least(4, p->ow - j);
            float *const to = out + ((image * p->oh + i) * p->ow + j) * width;
            for (int64_t o = 0; o < width; o += VL) {
                float made[16 * VL];
                const vf bias = LOAD(p->bias + o);
                NN(winograd_out)(sums + t * width + o, 6 * apart, apart, made, VL);
                for (int64_t u = 0; u < down; u++)
                    for (int64_t v = 0; v < right; v++) {
                        const float a = factor[(u == 1) + (v == 1)];
                        const vf y = LOAD(made + (4 * u + v) * VL) * a + bias;
                        STORE(to + (u * p->ow + v) * width + o, p->relu ? NN(relu)(y) : y);
                    }
            }
        }
    }
}

/* Add the weights' gradient of some images to sums (9, channels, width). x, g: frames; g is 0
 * beyond oh and ow.
 *
 *     for each tile t: for k < 36: points[k] += (B' x[t] B)[k] outer (A g[t] A')[k]
 *     sums += G' points G */
static void NN(winograd_outer)(const nn_pixels *p, int64_t images, int64_t frame, const float *g,
                               int64_t ldg, int64_t frame_g, const int32_t *in_x,
                               const int32_t *in_g, float *space, float *sums)
{
    const int64_t channels = p->step_w, width = p->width, across = (p->ow + 3) / 4;
    const int64_t each = across * ((p->oh + 3) / 4), total = images * each;
    const int64_t step = nn_winograd_step(channels), apart = nn_winograd_step(width);
    const int64_t weights = channels * width;
    float *const in = space, *const back = in + 36 * step, *const points = back + 36 * apart;
    memset(points, 0, (size_t)(36 * weights) * sizeof *points);
    for (int64_t first = 0; first < total; first += NN_WINOGRAD_TILES) {
        const int64_t count = nn_least(NN_WINOGRAD_TILES, total - first);
        for (int64_t t = 0; t < count; t++) {
            const int64_t image = (first + t) / each, tile = (first + t) % each;
            const int64_t i = 4 * (tile / across), j = 4 * (tile % across);
            for (int64_t c = 0; c < channels; c += VL)
                NN(winograd_in)(p->x + image * frame + i * p->ldx + j * channels + c, p->ldx,
                                channels, in + t * channels + c, step);
            for (int64_t o = 0; o < width; o += VL)
                NN(winograd_back)(g + image * frame_g + i * ldg + j * width + o, ldg, width,
                                  back + t * width + o, apart);
        }
        for (int64_t k = 0; k < 36; k++)
            NN(outer)(in + k * step, 0, 1, channels, in_x, back + k * apart, in_g, count,
                      points + k * weights, width);
    }
    for (int64_t at = 0; at < weights; at += VL) {
        float made[9 * VL];
        NN(winograd_end)(points + at, 6 * weights, weights, made, VL);
        for (int64_t k = 0; k < 9; k++)
            STORE(sums + k * weights + at, LOAD(sums + k * weights + at) + LOAD(made + k * VL));
    }
}
#undef ROOT_HALF
