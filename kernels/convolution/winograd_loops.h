/* Winograd's convolution of 3 x 3 kernels at stride 1, forward and for the gradient of the weights,
 * for one instruction set.
 *
 * Included by convolution_loops.h, whose outer it calls. Lavin and Gray 2016,
 * F(2x2, 3x3):
 *     y = A' [(G w G') . (B' x B)] A
 * with x the 4 x 4 pixels that the 2 x 2 outputs y see, w the kernel and . element by element:
 *          1  0 -1  0          1   0   0           1  1  1  0
 *     B' = 0  1  1  0     G = 1/2 1/2 1/2     A' = 0  1 -1 -1
 *          0 -1  1  0         1/2 -1/2 1/2
 *          0  1  0 -1          0   0   1
 */

/* to[k * step] = the k-th of the 16 numbers B' x B of a tile of 4 x 4 pixels, a vector each */
NN_INLINE void NN(winograd_in)(const float *x, int64_t ldx, int64_t channels, float *to,
                               int64_t step)
{
    vf a[4][4];
    NN_UNROLL for (int v = 0; v < 4; v++)
    {
        const float *const from = x + v * channels;
        const vf d0 = LOAD(from), d1 = LOAD(from + ldx);
        const vf d2 = LOAD(from + 2 * ldx), d3 = LOAD(from + 3 * ldx);
        a[0][v] = d0 - d2;
        a[1][v] = d1 + d2;
        a[2][v] = d2 - d1;
        a[3][v] = d1 - d3;
    }
    NN_UNROLL for (int u = 0; u < 4; u++)
    {
        STORE(to + (4 * u) * step, a[u][0] - a[u][2]);
        STORE(to + (4 * u + 1) * step, a[u][1] + a[u][2]);
        STORE(to + (4 * u + 2) * step, a[u][2] - a[u][1]);
        STORE(to + (4 * u + 3) * step, a[u][1] - a[u][3]);
    }
}

/* The same of A y A', y: 2 x 2 numbers, for the way back */
NN_INLINE void NN(winograd_back)(const float *y, int64_t ldy, int64_t width, float *to,
                                 int64_t step)
{
    vf a[4][2];
    NN_UNROLL for (int v = 0; v < 2; v++)
    {
        const vf y0 = LOAD(y + v * width), y1 = LOAD(y + ldy + v * width);
        a[0][v] = y0;
        a[1][v] = y0 + y1;
        a[2][v] = y0 - y1;
        a[3][v] = -y1;
    }
    NN_UNROLL for (int u = 0; u < 4; u++)
    {
        STORE(to + (4 * u) * step, a[u][0]);
        STORE(to + (4 * u + 1) * step, a[u][0] + a[u][1]);
        STORE(to + (4 * u + 2) * step, a[u][0] - a[u][1]);
        STORE(to + (4 * u + 3) * step, -a[u][1]);
    }
}

/* A' m A of the 16 sums of a tile: its 2 x 2 outputs, those that there are */
NN_INLINE void NN(winograd_out)(const float *m, int64_t step, vf bias, float *out, int64_t ldo,
                                int64_t width, int down, int right)
{
    vf a[2][4];
    NN_UNROLL for (int v = 0; v < 4; v++)
    {
        const vf m0 = LOAD(m + v * step), m1 = LOAD(m + (4 + v) * step);
        const vf m2 = LOAD(m + (8 + v) * step), m3 = LOAD(m + (12 + v) * step);
        a[0][v] = m0 + m1 + m2;
        a[1][v] = m1 - m2 - m3;
    }
    STORE(out, bias + a[0][0] + a[0][1] + a[0][2]);
    if (right)
        STORE(out + width, bias + a[0][1] - a[0][2] - a[0][3]);
    if (down)
        STORE(out + ldo, bias + a[1][0] + a[1][1] + a[1][2]);
    if (down && right)
        STORE(out + ldo + width, bias + a[1][1] - a[1][2] - a[1][3]);
}

/* Tiles whose sums are in registers, of one vector and of two: usual are 28 and 16 at a time. */
#if VL == 16
#define TILES(n) ((n) == 1 ? 14 : 8)
#else
#define TILES(n) ((n) == 1 ? 8 : 6)
#endif

/* Some rows of x by weights, n vectors of out:
 *
 *     for t: for o: out[t * width + o] = sum_c x[t * channels + c] * w[c * width + o] */
NN_INLINE void NN(winograd_tile)(const int tiles, const int n, const float *x, int64_t channels,
                                 const float *w, int64_t width, float *out)
{
    vf sums[TILES(1)][2];
    NN_UNROLL for (int t = 0; t < tiles; t++) NN_UNROLL for (int v = 0; v < n; v++)
        sums[t][v] = (vf){0};
    for (int64_t c = 0; c < channels; c++, w += width) {
        vf some[2];
        NN_UNROLL for (int v = 0; v < n; v++) some[v] = LOAD(w + v * VL);
        NN_UNROLL for (int t = 0; t < tiles; t++) NN_UNROLL for (int v = 0; v < n; v++)
            sums[t][v] += x[t * channels + c] * some[v];
    }
    NN_UNROLL for (int t = 0; t < tiles; t++) NN_UNROLL for (int v = 0; v < n; v++)
        STORE(out + t * width + v * VL, sums[t][v]);
}

/* x (tiles, channels) by w (channels, width). The last rows are made with those before them once
 * more, or where there are too few, with what lies behind them. */
static void NN(winograd_product)(const float *x, int64_t tiles, int64_t channels, const float *w,
                                 int64_t width, float *out)
{
    for (int64_t o = 0; o < width; o += 2 * VL) {
        const int two = o + VL < width;
        const int64_t some = two ? TILES(2) : TILES(1);
        for (int64_t t = 0; t < tiles; t += some) {
            const int64_t at = t + some > tiles && tiles > some ? tiles - some : t;
            const float *const from = x + at * channels;
            if (two)
                NN(winograd_tile)(TILES(2), 2, from, channels, w + o, width, out + at * width + o);
            else
                NN(winograd_tile)(TILES(1), 1, from, channels, w + o, width, out + at * width + o);
        }
    }
}

/* What product gives, for a 3 x 3 kernel at stride 1; w as nn_pack_winograd leaves it. For some
 * rows of tiles at a time:
 *
 *     for each tile t: in[0 .. 15, t, :] = B' x[t] B
 *     for k < 16: sums[k] = in[k] w[k]          (tiles, channels) by (channels, width)
 *     for each tile t: out[t] = bias + A' sums[0 .. 15, t, :] A */
static void NN(winograd)(const nn_pixels *p, float *out, float *space)
{
    const int64_t channels = p->step_w, width = p->width, across = (p->ow + 1) / 2;
    const int64_t rows = nn_winograd_rows(p->ow), most = rows * across;
    float *const in = space, *const sums = in + 16 * most * channels + TILES(1) * channels;
    for (int64_t top = 0; 2 * top < p->oh; top += rows) {
        const int64_t end = nn_least(top + rows, (p->oh + 1) / 2), tiles = (end - top) * across;
        float *to = in;
        for (int64_t i = top; i < end; i++)
            for (int64_t j = 0; j < across; j++)
                for (int64_t c = 0; c < channels; c += VL, to += VL)
                    NN(winograd_in)(p->x + 2 * i * p->ldx + 2 * j * channels + c, p->ldx, channels,
                                    to, tiles * channels);
        for (int64_t k = 0; k < 16; k++)
            NN(winograd_product)(in + k * tiles * channels, tiles, channels,
                                 p->w + k * channels * width, width, sums + k * tiles * width);
        const float *from = sums;
        for (int64_t i = top; i < end; i++)
            for (int64_t j = 0; j < across; j++)
                for (int64_t o = 0; o < width; o += VL, from += VL)
                    NN(winograd_out)(from, tiles * width, LOAD(p->bias + o),
                                     out + (2 * i * p->ow + 2 * j) * width + o, p->ow * width,
                                     width, 2 * i + 1 < p->oh, 2 * j + 1 < p->ow);
    }
}

/* sums (16, channels, width) += what an image gives to the weights' gradient, before it is
 * turned into G' sums G. x, g: frames; g is 0 beyond oh and ow.
 *
 *     for each tile t: for k < 16: sums[k] += (B' x[t] B)[k] outer (A g[t] A')[k] */
static void NN(winograd_outer)(const nn_pixels *p, const float *g, int64_t ldg,
                               const int32_t *in_x, const int32_t *in_g, float *space, float *sums)
{
    const int64_t channels = p->step_w, width = p->width, across = (p->ow + 1) / 2;
    const int64_t rows = nn_winograd_rows(p->ow), most = rows * across;
    for (int64_t top = 0; 2 * top < p->oh; top += rows) {
        const int64_t end = nn_least(top + rows, (p->oh + 1) / 2), tiles = (end - top) * across;
        float *to = space, *back = space + 16 * most * channels;
        const float *const grads = back;
        for (int64_t i = top; i < end; i++)
            for (int64_t j = 0; j < across; j++) {
                for (int64_t c = 0; c < channels; c += VL, to += VL)
                    NN(winograd_in)(p->x + 2 * i * p->ldx + 2 * j * channels + c, p->ldx, channels,
                                    to, tiles * channels);
                for (int64_t o = 0; o < width; o += VL, back += VL)
                    NN(winograd_back)(g + 2 * i * ldg + 2 * j * width + o, ldg, width, back,
                                      tiles * width);
            }
        for (int64_t k = 0; k < 16; k++)
            NN(outer)(space + k * tiles * channels, 0, 1, channels, in_x, grads + k * tiles * width,
                      in_g, tiles, sums + k * channels * width, width);
    }
}

#undef TILES
