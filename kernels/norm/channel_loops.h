/* Batch norm of larger images, channel by channel, for one instruction set.
 *
 * A channel has one plane of `inner` elements per image; about a thousand elements are summed in
 * vectors of floats, and these sums in double precision.
 *
 * Included by norm_loops.h, once per instruction set.
 */

/* Call channel_sums with the sizes of a normalisation. */
NN_INLINE void NN(norm_sums)(const int kind, const nn_norm *t, int64_t c, const float *v,
                             const float *y, const float *x, float less, double *sums)
{
    NN(channel_sums)(kind, t->rows, t->columns, t->inner, c, v, y, x, less, sums);
}

/* As norm_forward in batch_loops.h, channel by channel:
 *
 *     for c: for n: for i:
 *         out[n, c, i] = (x[n, c, i] - mean[c]) * weight[c] / sqrt(variance[c] + eps) + bias[c] */
NN_INLINE void NN(channels_forward)(const int relu, const nn_norm *t, int64_t c0, int64_t c1)
{
    const double share = 1 / ((double)t->rows * (double)t->inner);
    for (int64_t c = c0; c < c1; c++) {
        double sums[2];
        NN(norm_sums)(NN(plain), t, c, t->x, 0, 0, 0, sums);
        const float mean = (float)(sums[0] * share), bias = t->bias[c];
        NN(norm_sums)(NN(squares), t, c, t->x, 0, 0, mean, sums);
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
                const float value = FUSED(x[i] - mean, scale, bias);
                out[i] = relu && value < 0 ? 0 : value;
            }
        }
    }
}

/* As norm_backward in batch_loops.h, where y = (x - mean) / deviation:
 *
 *     for c: for n: for i:
 *         out[n, c, i] = weight[c] / deviation[c] * (grad[n, c, i] - bias_grad[c] / count
 *                                                    - y[n, c, i] * weight_grad[c] / count) */
NN_INLINE void NN(channels_backward)(const int relu, const nn_norm *t, int64_t c0, int64_t c1)
{
    const double share = 1 / ((double)t->rows * (double)t->inner);
    for (int64_t c = c0; c < c1; c++) {
        const float mean = t->mean[c], deviation = NN_SQRT(t->variance[c] + t->eps);
        double sums[2];
        NN(norm_sums)(relu ? NN(relu_pairs) : NN(pairs), t, c, t->grad, t->y, t->x, mean, sums);
        const float level = (float)(sums[0] * share), scale = t->weight[c] / deviation;
        t->bias_grad[c] = (float)sums[0];
        t->weight_grad[c] = (float)sums[1] / deviation;
        const float tilt = (float)(t->weight_grad[c] * share) / deviation;
        for (int64_t n = 0; n < t->rows; n++) {
            const int64_t plane = (n * t->columns + c) * t->inner;
            const float *g = t->grad + plane, *x = t->x + plane, *y = t->y + plane;
            float *out = t->out + plane;
            NN_INDEPENDENT for (int64_t i = 0; i < t->inner; i++) out[i] =
                (FUSED(mean - x[i], tilt, NN(through)(relu, g[i], y, i)) - level) * scale;
        }
    }
}

/* Compute batch norm with a given mean and variance:
 *
 *     for c: for n: for i:
 *         out[n, c, i] = (x[n, c, i] - mean[c]) * weight[c] / sqrt(variance[c] + eps) + bias[c] */
static void NN(channel_norm_apply)(const nn_norm *t, int64_t c0, int64_t c1)
{
    for (int64_t c = c0; c < c1; c++) {
        const float scale = t->weight[c] / NN_SQRT(t->variance[c] + t->eps);
        const float shift = FUSED(-t->mean[c], scale, t->bias[c]);
        for (int64_t n = 0; n < t->rows; n++) {
            const int64_t plane = (n * t->columns + c) * t->inner;
            const float *x = t->x + plane;
            float *out = t->out + plane;
            NN_INDEPENDENT for (int64_t i = 0; i < t->inner; i++) out[i] =
                FUSED(x[i], scale, shift);
        }
    }
}

WITH_AND_WITHOUT_RELU(channel_norm_forward, channels_forward)
WITH_AND_WITHOUT_RELU(channel_norm_backward, channels_backward)
