/* Convolution of one-channel images at stride 1, followed by ReLU and 2 x 2 max pooling, for one
 * instruction set.
 *
 * Included by convolution_loops.h. Vectors of `product` hold outputs, and few outputs leave them
 * half empty. Here a vector holds pooling windows: the sums at one corner of VL windows in a row.
 * The maximum of the four corners is the pooled row as it is stored, without a transpose. The
 * inputs of the corners are contiguous as well, because the pixels are split into four planes by
 * the parity of row and column.
 */

#if REGISTERS == 32
#define OUTPUTS 4 /* outputs at a time, with four sums each */
#else
#define OUTPUTS 2
#endif

/* Compute VL windows of n outputs. x: receptive field of the first window; out and where have
 * `step` elements from output to output:
 *
 *     for o < n: for j < VL:
 *         out[o, j] = max_rs (bias[o] + sum_uv x[r + u, 2 j + s + v] * w[u, v, o]), at least 0
 *         where[o, j] = 2 r + s of that maximum
 *
 * rows: marks the rows u of the kernel that meet nonzero pixels. where: null if not needed. */
NN_INLINE void NN(planes_tile)(const int n, const int64_t kw, const nn_planes *p, const float *x,
                               const char *rows, const float *w, const float *bias, float *out,
                               uint8_t *where, int64_t step)
{
    vf sums[OUTPUTS][4];
    NN_UNROLL for (int o = 0; o < n; o++) NN_UNROLL for (int k = 0; k < 4; k++)
        sums[o][k] = bias[o] + (vf){0};
    for (int64_t u = 0; u < p->kh; u++, w += kw * p->width) {
        const float *const above = x + u % 2 * 2 * p->plane + u / 2 * p->ld;
        const float *const below = x + (u + 1) % 2 * 2 * p->plane + (u + 1) / 2 * p->ld;
        if (!rows[u])
            continue;
        NN_UNROLL for (int64_t v = 0; v < kw; v++)
        {
            const int64_t left = v % 2 * p->plane + v / 2;
            const int64_t right = (v + 1) % 2 * p->plane + (v + 1) / 2;
            const vf seen[4] = {LOAD(above + left), LOAD(above + right), LOAD(below + left),
                                LOAD(below + right)};
            NN_UNROLL for (int o = 0; o < n; o++) NN_UNROLL for (int k = 0; k < 4; k++)
                sums[o][k] += seen[k] * w[v * p->width + o];
        }
    }
    NN_UNROLL for (int o = 0; o < n; o++)
    {
        int32_t lanes[VL];
        vf best = NN(relu)(sums[o][0]);
        vi at = {0};
        NN_UNROLL for (int k = 1; k < 4; k++) NN(keep_larger)(sums[o][k], k, &best, &at);
        STORE(out + o * step, best);
        if (!where)
            continue;
        *(vi *)lanes = at;
        for (int j = 0; j < VL; j++) /* a loop: GCC splits a vector conversion into scalars */
            where[o * step + j] = (uint8_t)lanes[j];
    }
}

/* One function for each number of outputs, specialized for the usual kernel widths */
#define TILE(n)                                                                              \
    static void NN(planes_tile_##n)(const nn_planes *p, const float *x, const char *rows,    \
                                    const float *w, const float *bias, float *out,           \
                                    uint8_t *where, int64_t step)                            \
    {                                                                                        \
        if (p->kw == 5)                                                                      \
            NN(planes_tile)(n, 5, p, x, rows, w, bias, out, where, step);                    \
        else if (p->kw == 3)                                                                 \
            NN(planes_tile)(n, 3, p, x, rows, w, bias, out, where, step);                    \
        else                                                                                 \
            NN(planes_tile)(n, p->kw, p, x, rows, w, bias, out, where, step);                \
    }
TILE(1)
TILE(2)
#if OUTPUTS > 2
TILE(3)
TILE(4)
#endif
#undef TILE

/* Split the pixels into planes: planes[2 (i % 2) + j % 2, i / 2, j / 2] = x[i, j]; set any[i] if
 * row i has a nonzero pixel. Reads and writes whole vectors, beyond the end of a row. */
static void NN(part)(const nn_planes *p, const float *x, float *planes, char *any)
{
    for (int64_t i = 0; i < p->h; i++, x += p->ldx) {
        float *const even = planes + i % 2 * 2 * p->plane + i / 2 * p->ld;
        float *const odd = even + p->plane;
        int32_t lanes[VL], more = 0;
        vi some = {0};
        for (int64_t j = 0; j < nn_whole(p->ldx, NN_WIDEST); j += VL)
            some |= LOAD(x + j) != (vf){0}; /* includes the next row's first pixels */
        *(vi *)lanes = some;
        for (int l = 0; l < VL; l++)
            more |= lanes[l];
        any[i] = more != 0;
        for (int64_t j = 0; j < p->ld; j += NN_WIDEST)
            NN_INDEPENDENT for (int64_t l = 0; l < NN_WIDEST; l++)
            {
                even[j + l] = x[2 * (j + l)];
                odd[j + l] = x[2 * (j + l) + 1];
            }
    }
}

/* Convolve an image x in a frame with weights (kh, kw, width) to out, where (outputs, ph, pw).
 *
 * The last vector of a row extends beyond the row's end; the next row overwrites the excess. The
 * last row has no next row, so its vectors are first written to a buffer. */
static void NN(planes)(const nn_planes *p, const float *x, float *planes, float *out,
                       uint8_t *where)
{
    char any[NN_MOST_ROWS], rows[NN_MOST_ROWS];
    NN(part)(p, x, planes, any);
    for (int64_t i = 0; i < p->ph; i++) {
        const int last = i == p->ph - 1;
        for (int64_t u = 0; u < p->kh; u++)
            rows[u] = any[2 * i + u] | any[2 * i + u + 1];
        for (int64_t j = 0; j < p->pw; j += VL)
            for (int64_t o = 0; o < p->outputs; o += OUTPUTS) {
                const int64_t n = nn_least(OUTPUTS, p->outputs - o), rest = nn_least(VL, p->pw - j);
                const int64_t area = p->ph * p->pw, at = o * area + i * p->pw + j;
                const float *const seen = planes + i * p->ld + j, *const w = p->w + o;
                float ends[OUTPUTS * VL];
                uint8_t places[OUTPUTS * VL];
                float *const to = last ? ends : out + at;
                uint8_t *const there = !where ? 0 : last ? places : where + at;
                const int64_t step = last ? VL : area;
                switch (n) {
                case 1: NN(planes_tile_1)(p, seen, rows, w, p->bias + o, to, there, step); break;
#if OUTPUTS > 2
                case 3: NN(planes_tile_3)(p, seen, rows, w, p->bias + o, to, there, step); break;
                case 4: NN(planes_tile_4)(p, seen, rows, w, p->bias + o, to, there, step); break;
#endif
                default: NN(planes_tile_2)(p, seen, rows, w, p->bias + o, to, there, step);
                }
                for (int64_t k = 0; last && k < n; k++) {
                    memcpy(out + at + k * area, ends + k * VL, (size_t)rest * sizeof *out);
                    if (where)
                        memcpy(where + at + k * area, places + k * VL, (size_t)rest);
                }
            }
    }
}

#undef OUTPUTS
