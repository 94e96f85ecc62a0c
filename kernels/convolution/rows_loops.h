/* Convolution of one-channel images at stride 1 without pooling, for one instruction set.
 *
 * Included by convolution_loops.h. As in planes_loops.h a vector holds pixels and a weight is
 * broadcast. The sums are a row of an output as it is stored, without a transpose.
 */

#if REGISTERS == 32
#define OUTPUTS 8 /* outputs at a time, with two vectors of sums each */
#else
#define OUTPUTS 4
#endif

/* Compute 2 VL pixels of a row for OUTPUTS outputs and store n of them, `step` elements apart:
 *
 *     for o < n: for j < 2 VL:
 *         out[o, j] = bias[o] + sum_uv x[u, j + v] * w[u, v, o], at least 0 if p->relu
 *
 * ends: as p->ends, from row x on. */
NN_INLINE void NN(rows_tile)(const int64_t kw, const nn_pixels *p, const float *x,
                             const int32_t *ends, const float *w, const float *bias, int64_t n,
                             float *out, int64_t step)
{
    vf sums[OUTPUTS][2];
    NN_UNROLL for (int o = 0; o < OUTPUTS; o++) sums[o][0] = sums[o][1] = bias[o] + (vf){0};
    for (int64_t u = 0; u < p->kh; u++, x += p->ldx, w += kw * p->width) {
        if (ends[2 * u] >= ends[2 * u + 1])
            continue; /* a row of zeros */
        NN_UNROLL for (int64_t v = 0; v < kw; v++)
        {
            const vf left = LOAD(x + v), right = LOAD(x + v + VL);
            NN_UNROLL for (int o = 0; o < OUTPUTS; o++)
            {
                sums[o][0] += left * w[v * p->width + o];
                sums[o][1] += right * w[v * p->width + o];
            }
        }
    }
    NN_UNROLL for (int o = 0; o < OUTPUTS; o++) if (o < n)
        NN_UNROLL for (int k = 0; k < 2; k++)
            STORE(out + o * step + k * VL, p->relu ? NN(relu)(sums[o][k]) : sums[o][k]);
}

/* Convolve an image p->x in a frame with weights (kh, kw, width) to out (outputs, oh, ow).
 *
 * The last vectors of a row extend beyond the row's end; later rows overwrite the excess. At the
 * end of an output there are no later rows, so the vectors are first written to a buffer. */
static void NN(rows)(const nn_pixels *p, int64_t outputs, float *out)
{
    const int64_t area = p->oh * p->ow;
    for (int64_t o = 0; o < outputs; o += OUTPUTS) /* few store streams at a time */
        for (int64_t i = 0; i < p->oh; i++)
            for (int64_t j = 0; j < p->ow; j += 2 * VL) {
                const int64_t n = nn_least(OUTPUTS, outputs - o), at = i * p->ow + j;
                const int last = at + 2 * VL > area;
                const float *const x = p->x + i * p->ldx + j, *const w = p->w + o;
                const int32_t *const ends = p->ends + 2 * i;
                float apart[OUTPUTS * 2 * VL], *const here = out + o * area + at;
                float *const to = last ? apart : here;
                const int64_t step = last ? 2 * VL : area;
                if (p->run == 3)
                    NN(rows_tile)(3, p, x, ends, w, p->bias + o, n, to, step);
                else if (p->run == 5)
                    NN(rows_tile)(5, p, x, ends, w, p->bias + o, n, to, step);
                else
                    NN(rows_tile)(p->run, p, x, ends, w, p->bias + o, n, to, step);
                for (int64_t k = 0; last && k < n; k++)
                    memcpy(here + k * area, apart + k * 2 * VL,
                           (size_t)nn_least(2 * VL, p->ow - j) * sizeof *out);
            }
}

#undef OUTPUTS
