/* The inner loops of convolution, for one instruction set.
 *
 * Included by dispatch.h once per instruction set, as compiled_isa.h is; see there for NN, VL, and why
 * no OpenMP is in it. Sums of one kind are always added in one order, whatever the threads.
 */

#include "simd/vectors.h"
#include "simd/transpose.h"

#if VL == 16
#define PIXELS 8   /* that a product sums side by side */
#define VECTORS 3  /* of outputs, at most */
#define SUMS 25    /* vectors that gather and scatter keep in registers */
#else
#define PIXELS 4
#define VECTORS 2
#define SUMS 12
#endif
#define STEPS 5 /* of a run that a loop's turn takes */
#define RUN 6 /* vectors of a run that they take at a time, at most */

/* -------------------------------------------------------------- pixels by weights */

/* one input of each of the pixels, by its weights */
#define ADD(i)                                                                               \
    {                                                                                        \
        vf some[VECTORS];                                                                    \
        NN_UNROLL for (int v = 0; v < n; v++) some[v] = LOAD(weight + v * VL);               \
        NN_UNROLL for (int k = 0; k < PIXELS; k++) NN_UNROLL for (int v = 0; v < n; v++)     \
            sums[k][v] += from[k][i] * some[v];                                              \
    }

/* The sums of PIXELS outputs, `n` vectors each: x[k] is where the k-th begins to see. */
NN_INLINE void NN(tile)(const int n, const nn_pixels *p, const float *const *x, const char *rows,
                        const float *w, const float *bias, float *const *out)
{
    vf sums[PIXELS][VECTORS];
    NN_UNROLL for (int k = 0; k < PIXELS; k++) NN_UNROLL for (int v = 0; v < n; v++)
        sums[k][v] = LOAD(bias + v * VL);
    for (int64_t u = 0; u < p->kh; u++, w += p->run * p->width) {
        if (rows && !rows[u])
            continue;
        const float *from[PIXELS], *weight = w;
        NN_UNROLL for (int k = 0; k < PIXELS; k++) from[k] = x[k] + u * p->ldx;
        int64_t i = 0;
        for (; i + STEPS <= p->run; i += STEPS)
            NN_UNROLL for (int s = 0; s < STEPS; s++, weight += p->width) ADD(i + s)
        for (; i < p->run; i++, weight += p->width)
            ADD(i)
    }
    NN_UNROLL for (int k = 0; k < PIXELS; k++) NN_UNROLL for (int v = 0; v < n; v++)
        STORE(out[k] + v * VL, sums[k][v]);
}

#define TILE(n)                                                                              \
    static void NN(tile_##n)(const nn_pixels *p, const float *const *x, const char *rows,    \
                             const float *w, const float *bias, float *const *out)           \
    {                                                                                        \
        NN(tile)(n, p, x, rows, w, bias, out);                                               \
    }
TILE(1)
TILE(2)
#if VECTORS > 2
TILE(3)
#endif
#undef TILE

/* Which rows of weights meet anything but 0, for `count` pixels from (i, j) on */
NN_INLINE void NN(look)(const nn_pixels *p, int64_t i, int64_t j, int64_t count, char *rows)
{
    memset(rows, 0, (size_t)p->kh);
    for (; count > 0; i++, j = 0) { /* those of them that are in one row */
        const int32_t *const ends = p->ends + 2 * (i * p->stride_h);
        const int64_t some = nn_least(count, p->ow - j);
        const int64_t lo = j * p->step_w, hi = lo + (some - 1) * p->step_w + p->run;
        for (int64_t u = 0; u < p->kh; u++)
            rows[u] |= lo < ends[2 * u + 1] && hi > ends[2 * u];
        count -= some;
    }
}

#define MOST_ROWS 64 /* of weights, for which to look for zeros */

/* out (oh * ow, width) */
static void NN(product)(const nn_pixels *p, float *out)
{
    const int64_t pixels = p->oh * p->ow;
    const int looks = p->ends && p->kh <= MOST_ROWS;
    char rows[MOST_ROWS];
    const float *seen = p->x;
    int64_t i = 0, j = 0; /* of the next pixel */
    for (int64_t q = 0; q < pixels; q += PIXELS) {
        const float *from[PIXELS];
        float *to[PIXELS];
        if (looks)
            NN(look)(p, i, j, nn_least(PIXELS, pixels - q), rows);
        for (int64_t k = 0; k < PIXELS; k++) {
            const int more = q + k < pixels;
            from[k] = more ? seen : from[k - 1]; /* the last one again, where there is no more */
            to[k] = more ? out + (q + k) * p->width : to[k - 1];
            if (!more)
                continue;
            seen += p->step_w;
            if (++j == p->ow) {
                j = 0;
                seen = p->x + ++i * p->step_h;
            }
        }
        int64_t left = p->width / VL, at = 0;
        while (left) {
            /* 4 as 2 + 2, not as 3 + 1 */
            const int64_t n = left == 4 && VECTORS > 2 ? 2 : nn_least(left, VECTORS);
            const float *const w = p->w + at, *const bias = p->bias + at;
            float *here[PIXELS];
            for (int k = 0; k < PIXELS; k++)
                here[k] = to[k] + at;
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

/* -------------------------------------------------------------------------- Winograd */

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

/* What product gives, for a 3 x 3 kernel at stride 1; w as nn_pack_winograd leaves it */
static void NN(winograd)(const nn_pixels *p, float *out, float *space)
{
    const int64_t channels = p->step_w, width = p->width, across = (p->ow + 1) / 2;
    const int64_t rows = nn_winograd_rows(p->ow), most = rows * across;
    float *const none = space, *const in = none + nn_floats(width);
    float *const sums = in + 16 * most * channels;
    memset(none, 0, (size_t)width * sizeof *none);
    for (int64_t top = 0; 2 * top < p->oh; top += rows) {
        const int64_t end = nn_least(top + rows, (p->oh + 1) / 2), tiles = (end - top) * across;
        float *to = in;
        for (int64_t i = top; i < end; i++)
            for (int64_t j = 0; j < across; j++)
                for (int64_t c = 0; c < channels; c += VL, to += VL)
                    NN(winograd_in)(p->x + 2 * i * p->ldx + 2 * j * channels + c, p->ldx, channels,
                                    to, tiles * channels);
        for (int64_t k = 0; k < 16; k++) {
            const nn_pixels q = {in + k * tiles * channels, p->w + k * channels * width, none, 0, 0,
                                 channels, 1, 1, channels, 1, tiles, width, 0};
            NN(product)(&q, sums + k * tiles * width);
        }
        const float *from = sums;
        for (int64_t i = top; i < end; i++)
            for (int64_t j = 0; j < across; j++)
                for (int64_t o = 0; o < width; o += VL, from += VL)
                    NN(winograd_out)(from, tiles * width, LOAD(p->bias + o),
                                     out + (2 * i * p->ow + 2 * j) * width + o, p->ow * width,
                                     width, 2 * i + 1 < p->oh, 2 * j + 1 < p->ow);
    }
}

/* ------------------------------------------------------------ weights from pixels */

/* sums[k, :] += x[in_x + k] g[in_g ...], `n` vectors, over all pixels; k < PIXELS */
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

/* sums (kh, run, width) += for each of the pixels, what it saw (x from in_x on) by its gradient
 * (g from in_g on) */
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

/* image (oh * ow, width) -> out (ph * pw, width), with ReLU if wanted; place: of the first of
 * the largest numbers of each window, or of its first NaN. */
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
                    for (int64_t v = 0; v < s->pool; v++, k++) {
                        const vf x = LOAD(window + (u * s->ow + v) * width);
                        const vi more = (x > best) | ((x != x) & (best == best));
                        at = CHOOSE(more, k + (vi){0}, at);
                        best = (vf)CHOOSE(more, BITS(x), BITS(best));
                    }
                STORE(out + c, best);
                if (s->pool > 1)
                    *(vi *)(place + c) = at;
            }
}

/* to = grad where out > 0; returns the sum. Without `out`, only the sum of grad. */
static float NN(mask)(int64_t n, const float *grad, const float *out, float *to)
{
    float lanes[16] = {0}, sum = 0;
    int64_t i = 0;
    if (out) {
        NN_INDEPENDENT for (int64_t q = 0; q < n; q++) to[q] = out[q] > 0 ? grad[q] : 0.0f;
        grad = to;
    }
    for (; i + 16 <= n; i += 16)
        for (int l = 0; l < 16; l++)
            lanes[l] += grad[i + l];
    for (; i < n; i++)
        sum += grad[i];
    for (int l = 0; l < 16; l++)
        sum += lanes[l];
    return sum;
}

static void NN(add)(int64_t n, const float *x, float *to)
{
    NN_INDEPENDENT for (int64_t i = 0; i < n; i++) to[i] += x[i];
}

static void NN(narrow)(int64_t n, const int32_t *x, uint8_t *y)
{
    NN_INDEPENDENT for (int64_t i = 0; i < n; i++) y[i] = (uint8_t)x[i];
}

static void NN(widen)(int64_t n, const uint8_t *x, int32_t *y)
{
    NN_INDEPENDENT for (int64_t i = 0; i < n; i++) y[i] = x[i];
}

/* The way back from pool: grad (ph * pw, width) to its place in each window, 0 elsewhere. A row
 * of `to` is ldt floats down. */
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

/* ------------------------------------------------------------------ gather and scatter */

/* sums[r, v] += g x[at + r ldx + v step], a vector each, over the spikes */
NN_INLINE void NN(gather_tile)(const int rows, const int vectors, const nn_spike *spikes,
                               int64_t count, const float *x, int64_t ldx, int64_t step,
                               int64_t ldy, float *y)
{
    vf sums[SUMS];
    NN_UNROLL for (int r = 0; r < rows; r++) NN_UNROLL for (int v = 0; v < vectors; v++)
        sums[r * vectors + v] = LOAD(y + r * ldy + v * step);
    for (int64_t k = 0; k < count; k++) {
        const float *const from = x + spikes[k].at;
        const float g = spikes[k].g;
        NN_UNROLL for (int r = 0; r < rows; r++) NN_UNROLL for (int v = 0; v < vectors; v++)
            sums[r * vectors + v] += g * LOAD(from + r * ldx + v * step);
    }
    NN_UNROLL for (int r = 0; r < rows; r++) NN_UNROLL for (int v = 0; v < vectors; v++)
        STORE(y + r * ldy + v * step, sums[r * vectors + v]);
}

/* y[r, v] += the sum over the spikes of g w[at + r ldw + v], a vector each */
NN_INLINE void NN(scatter_tile)(const int rows, const int vectors, const nn_spike *spikes,
                                int64_t count, const float *w, int64_t ldw, int64_t ldy, float *y)
{
    vf sums[SUMS];
    NN_UNROLL for (int r = 0; r < rows; r++) NN_UNROLL for (int v = 0; v < vectors; v++)
        sums[r * vectors + v] = LOAD(y + r * ldy + v * VL);
    for (int64_t k = 0; k < count; k++) {
        const float *const from = w + spikes[k].at;
        const float g = spikes[k].g;
        NN_UNROLL for (int r = 0; r < rows; r++) NN_UNROLL for (int v = 0; v < vectors; v++)
            sums[r * vectors + v] += g * LOAD(from + r * ldw + v * VL);
    }
    /* A run of weights ends with zeros: the numbers behind the run are written as they were. */
    NN_UNROLL for (int r = 0; r < rows; r++) NN_UNROLL for (int v = 0; v < vectors; v++)
        STORE(y + r * ldy + v * VL, sums[r * vectors + v]);
}

/* One function for each size of tile, and the call of the one that is wanted */
#define SIZES(DO)                                                                            \
    DO(1, 1) DO(1, 2) DO(1, 3) DO(1, 4) DO(1, 5) DO(1, 6) DO(2, 1) DO(2, 2) DO(2, 3)         \
    DO(2, 4) DO(2, 5) DO(2, 6) DO(3, 1) DO(3, 2) DO(3, 3) DO(3, 4) DO(4, 1) DO(4, 2)         \
    DO(4, 3) DO(5, 1) DO(5, 2) MORE_SIZES(DO)
#if SUMS >= 25
#define MORE_SIZES(DO) DO(3, 5) DO(3, 6) DO(4, 4) DO(4, 5) DO(4, 6) DO(5, 3) DO(5, 4) DO(5, 5)
#else
#define MORE_SIZES(DO)
#endif

#define DEFINE(r, v)                                                                         \
    static void NN(gather_##r##_##v)(const nn_spike *spikes, int64_t count, const float *x,  \
                                     int64_t ldx, int64_t ldy, float *y)                     \
    {                                                                                        \
        NN(gather_tile)(r, v, spikes, count, x, ldx, VL, ldy, y);                            \
    }                                                                                        \
    static void NN(gather_apart_##r##_##v)(const nn_spike *spikes, int64_t count,            \
                                           const float *x, int64_t ldx, int64_t step,        \
                                           int64_t ldy, float *y)                            \
    {                                                                                        \
        NN(gather_tile)(r, v, spikes, count, x, ldx, step, ldy, y);                          \
    }                                                                                        \
    static void NN(scatter_##r##_##v)(const nn_spike *spikes, int64_t count, const float *w, \
                                      int64_t ldw, int64_t ldy, float *y)                    \
    {                                                                                        \
        NN(scatter_tile)(r, v, spikes, count, w, ldw, ldy, y);                               \
    }
SIZES(DEFINE)
#undef DEFINE

/* Cut `rows` rows of `vectors` vectors into tiles, with r, v, at (row) and from (vector) of
 * each, and do something with each. */
#define TILES(CALL)                                                                          \
    const int64_t parts = (vectors + RUN - 1) / RUN, wide = (vectors + parts - 1) / parts;   \
    for (int64_t from = 0; from < vectors; from += wide) {                                   \
        const int64_t v = nn_least(wide, vectors - from);                                    \
        const int64_t tall = nn_least(5, SUMS / v);                                          \
        for (int64_t at = 0; at < rows; at += tall) {                                        \
            const int64_t r = nn_least(tall, rows - at);                                     \
            switch (r * 8 + v) {                                                             \
                SIZES(CALL)                                                                  \
            }                                                                                \
        }                                                                                    \
    }

/* sums[r, v] += g x[at + r ldx + v VL ...] over the spikes: whole vectors in a row */
static void NN(gather)(const nn_spike *spikes, int64_t count, const float *x, int64_t ldx,
                       int64_t rows, int64_t vectors, float *sums)
{
#define CALL(r, v)                                                                           \
    case r * 8 + v:                                                                          \
        NN(gather_##r##_##v)(spikes, count, x + at * ldx + from * VL, ldx, vectors * VL,     \
                             sums + at * vectors * VL + from * VL);                          \
        break;
    TILES(CALL)
#undef CALL
}

/* The same with `step` floats from vector to vector, in x and in the sums */
static void NN(gather_apart)(const nn_spike *spikes, int64_t count, const float *x, int64_t ldx,
                             int64_t step, int64_t rows, int64_t vectors, float *sums)
{
#define CALL(r, v)                                                                           \
    case r * 8 + v:                                                                          \
        NN(gather_apart_##r##_##v)(spikes, count, x + at * ldx + from * step, ldx, step,     \
                                   vectors * step, sums + (at * vectors + from) * step);     \
        break;
    TILES(CALL)
#undef CALL
}

/* y[r ldy + v VL ...] += the sum over the spikes of g w[at + (r vectors + v) VL ...] */
static void NN(scatter)(const nn_spike *spikes, int64_t count, const float *w, int64_t rows,
                        int64_t vectors, int64_t ldy, float *y)
{
#define CALL(r, v)                                                                           \
    case r * 8 + v:                                                                          \
        NN(scatter_##r##_##v)(spikes, count, w + (at * vectors + from) * VL, vectors * VL,   \
                              ldy, y + at * ldy + from * VL);                                \
        break;
    TILES(CALL)
#undef CALL
}

/* sums (16, channels, width) += what an image gives to the weights' gradient, before it is
 * turned into G' sums G. x, g: frames; g is 0 beyond oh and ow. */
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

static const nn_convolution NN(kernels) = {
    NN_STRING(NN_ISA), VL,         NN(transpose), NN(product), NN(winograd), NN(outer),    NN(winograd_outer),
    NN(pool),          NN(add),    NN(mask),      NN(narrow),  NN(widen),    NN(unpool),
    NN(gather),        NN(gather_apart), NN(scatter),
};

#undef PIXELS
#undef VECTORS
#undef SUMS
#undef RUN
#undef STEPS
#undef ADD
#undef SIZES
#undef MORE_SIZES
#undef TILES
#undef MOST_ROWS
