/* Layer norm, for one instruction set.
 *
 * Included by norm_loops.h, once per instruction set.
 */

/* Compute the parameters' gradients for columns [c0, c1):
 *
 *     for c:
 *         bias_grad[c] = sum_n grad[n, c]
 *         weight_grad[c] = sum_n grad[n, c] * normalised[n, c] */
static void NN(layer_norm_parameters)(const nn_norm *t, int64_t c0, int64_t c1)
{
    for (int64_t a = c0; a < c1; a += NN_PANEL) {
        const int wide = (int)(c1 - a < NN_PANEL ? c1 - a : NN_PANEL);
        const float none[NN_PANEL] = {0};
        double bias[NN_PANEL] = {0}, weight[NN_PANEL] = {0};
        NN(keep_some_pairs)(0, t, a, wide, t->normalised, none, bias, weight);
        float *bias_grad = t->bias_grad + a, *weight_grad = t->weight_grad + a;
        NN_INDEPENDENT for (int j = 0; j < wide; j++)
        {
            bias_grad[j] = (float)bias[j];
            weight_grad[j] = (float)weight[j];
        }
    }
}

/* Compute layer norm of rows [n0, n1) with C columns:
 *
 *     for n:
 *         mean = sum_c x[n, c] / C
 *         deviation = sqrt(sum_c (x[n, c] - mean)^2 / C + eps)
 *         for c: normalised[n, c] = (x[n, c] - mean) / deviation
 *                out[n, c] = normalised[n, c] * weight[c] + bias[c] */
static void NN(layer_norm_forward)(const nn_norm *t, int64_t n0, int64_t n1)
{
    const int64_t wide = t->columns;
    const float *weight = t->weight, *bias = t->bias;
    for (int64_t n = n0; n < n1; n++) {
        const float *x = t->x + n * wide;
        float *y = t->normalised + n * wide, *out = t->out + n * wide;
        const float mean = (float)(NN(long_sum)(1, wide, x, 0, 0) / (double)wide);
        NN_INDEPENDENT for (int64_t c = 0; c < wide; c++) y[c] = x[c] - mean;
        const double variance = NN(long_sum)(2, wide, y, y, 0) / (double)wide;
        const float deviation = NN_SQRT((float)variance + t->eps), scale = 1.0f / deviation;
        t->variance[n] = deviation;
        NN_INDEPENDENT for (int64_t c = 0; c < wide; c++)
        {
            const float value = y[c] * scale;
            y[c] = value;
            out[c] = FUSED(value, weight[c], bias[c]);
        }
    }
}

/* Backward pass of rows [n0, n1), where y = normalised and h[c] = grad[n, c] * weight[c]:
 *
 *     for n: for c: out[n, c] = (h[c] - sum_k h[k] / C - y[n, c] * sum_k h[k] y[n, k] / C)
 *                               / deviation[n] */
static void NN(layer_norm_backward)(const nn_norm *t, int64_t n0, int64_t n1)
{
    const int64_t wide = t->columns;
    const float *weight = t->weight;
    for (int64_t n = n0; n < n1; n++) {
        const float *g = t->grad + n * wide, *y = t->normalised + n * wide;
        float *out = t->out + n * wide;
        const float mean = (float)(NN(long_sum)(2, wide, g, weight, 0) / (double)wide);
        const float tilt = (float)(NN(long_sum)(3, wide, g, weight, y) / (double)wide);
        const float scale = 1.0f / t->variance[n];
        NN_INDEPENDENT for (int64_t c = 0; c < wide; c++) out[c] =
            (FUSED(g[c], weight[c], -(y[c] * tilt)) - mean) * scale;
    }
}
