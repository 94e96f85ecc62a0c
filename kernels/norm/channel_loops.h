/* Batch norm of larger images, a channel by itself, for one instruction set.
 *
 * A channel's numbers lie in planes of `inner`, one for each image; sums are taken of some
 * thousand numbers in vectors of floats, and of these sums in double precision.
 *
 * Included once per instruction set; compiled_isa.h says with what.
 */

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
        value = NN(where_positive)(value, LOAD(y));
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

WITH_AND_WITHOUT_RELU(channel_norm_forward, channels_forward)
WITH_AND_WITHOUT_RELU(channel_norm_backward, channels_backward)
