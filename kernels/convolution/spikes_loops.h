/* Gather and scatter: products of a few numbers that are not 0 ("spikes") by runs of numbers, for
 * one instruction set.
 *
 * Included by convolution_loops.h.
 */

#if VL == 16
#define SUMS 25 /* vectors that gather and scatter keep in registers */
#else
#define SUMS 12
#endif
#define RUN 6 /* maximum number of vectors of a run at a time */

/* A tile of gather or scatter, its sums in registers; r, v: of rows and vectors, a vector each:
 *
 *     for each spike (at, g): for r: for v: y[r, v] += g * x[at + r * ldx + v * step] */
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

/* The gradient of a filter: each spike by the runs that it saw, whole vectors in a row:
 *
 *     for each spike (at, g): for r < rows: for i < vectors * VL:
 *         sums[r, i] += g * x[at + r * ldx + i] */
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

/* The gradient of the pixels around one: each spike by the weights that it met:
 *
 *     for each spike (at, g): for r < rows: for i < vectors * VL:
 *         y[r * ldy + i] += g * w[at + r * vectors * VL + i]
 *
 * A run of weights ends with zeros: the numbers behind the run are written as they were. */
static void NN(scatter)(const nn_spike *spikes, int64_t count, const float *w, int64_t rows,
                        int64_t vectors, int64_t ldy, float *y)
{
#define CALL(r, v)                                                                           \
    case r * 8 + v:                                                                          \
        NN(gather_##r##_##v)(spikes, count, w + (at * vectors + from) * VL, vectors * VL,    \
                             ldy, y + at * ldy + from * VL);                                 \
        break;
    TILES(CALL)
#undef CALL
}

#undef SUMS
#undef RUN
#undef SIZES
#undef MORE_SIZES
#undef TILES
