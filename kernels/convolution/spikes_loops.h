/* Gather and scatter: products of sparse nonzeros ("spikes") and contiguous runs, for one
 * instruction set.
 *
 * Included by convolution_loops.h.
 */

#if VL == 16
#define SUMS 25 /* maximum vectors of sums in registers */
#else
#define SUMS 12
#endif
#define RUN 6 /* maximum number of vectors of a run at a time */

/* Compute a tile of gather or scatter of `rows` x `vectors` vectors, with the sums in registers:
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

/* All tile sizes: one function each, and a switch that calls it */
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
    static void NN(gather_##r##_##v)(const nn_lists *l, const float *x, int64_t ldx,         \
                                     float *y, int64_t ldy)                                  \
    {                                                                                        \
        for (int64_t k = 0; k < l->lists; k++)                                               \
            if (l->counts[k])                                                                \
                NN(gather_tile)(r, v, l->spikes + k * l->most, l->counts[k], x, ldx, VL,     \
                                ldy, y + l->in_y[k]);                                        \
    }                                                                                        \
    static void NN(gather_apart_##r##_##v)(const nn_spike *spikes, int64_t count,            \
                                           const float *x, int64_t ldx, int64_t step,        \
                                           int64_t ldy, float *y)                            \
    {                                                                                        \
        NN(gather_tile)(r, v, spikes, count, x, ldx, step, ldy, y);                          \
    }
SIZES(DEFINE)
#undef DEFINE

/* Split `rows` rows of `vectors` vectors into tiles of r x v vectors at row `at` and vector `from`,
 * and expand CALL for each. */
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

/* Add to each list's sums the products of its spikes and the runs at their offsets, in whole
 * vectors:
 *
 *     for k < lists: for each spike (at, g) of list k: for r < rows: for i < vectors * VL:
 *         y[in_y[k] + r * ldy + i] += g * x[at + r * ldx + i]
 *
 * Gather: a list per output, x are pixels, y is the gradient of the output's filter. Scatter: a
 * list per pixel, x are weights, y is the gradient of the surrounding pixels. A run of weights is
 * padded with zeros, so the elements after a run are written back unchanged. Lists with overlapping
 * sums are always added in list order: if the sums take several tiles, all tiles of a list come
 * before the next list. */
static void NN(gather)(const nn_lists *lists, const float *x, int64_t ldx, int64_t rows,
                       int64_t vectors, float *y, int64_t ldy)
{
    const int one = rows <= 5 && vectors <= RUN && rows * vectors <= SUMS; /* tile */
    const int64_t step = one ? lists->lists : 1;
    for (int64_t k = 0; k < lists->lists; k += step) {
        const nn_lists some = {lists->spikes + k * lists->most, lists->counts + k,
                               lists->in_y + k, step, lists->most};
        if (!one && !*some.counts)
            continue;
#define CALL(r, v)                                                                           \
    case r * 8 + v:                                                                          \
        NN(gather_##r##_##v)(&some, x + at * ldx + from * VL, ldx, y + at * ldy + from * VL, \
                             ldy);                                                           \
        break;
        TILES(CALL)
#undef CALL
    }
}

/* As gather, for one list and with vectors `step` floats apart in x and in the sums. */
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

#undef SUMS
#undef RUN
#undef SIZES
#undef MORE_SIZES
#undef TILES
