/* Layer norm, for one instruction set.
 *
 * Included by norm_loops.h, once per instruction set.
 */

/* Columns [c0, c1) of bias_grad, the sums of grad, and of weight_grad, those of
 * grad * normalised. */
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

/* rows [n0, n1) */
static void NN(layer_norm_forward)(const nn_norm *t, int64_t n0, int64_t n1)
{
    const int64_t wide = t->columns;
    const float *weight = t->weight, *bias = t->bias;
    for (int64_t n = n0; n < n1; n++) {
        const float *x = t->x + n * wide;
        float *y = t->normalised + n * wide, *out = t->out + n * wide;
        const float mean = (float)(NN(long_sum)(wide, x, 0, 0) / (double)wide);
        NN_INDEPENDENT for (int64_t c = 0; c < wide; c++) y[c] = x[c] - mean;
        const double variance = NN(long_sum)(wide, y, y, 0) / (double)wide;
        const float deviation = NN_SQRT((float)variance + t->eps), scale = 1.0f / deviation;
        t->variance[n] = deviation;
        NN_INDEPENDENT for (int64_t c = 0; c < wide; c++)
        {
            const float value = y[c] * scale;
            y[c] = value;
            out[c] = value * weight[c] + bias[c];
        }
    }
}

/* rows [n0, n1) */
static void NN(layer_norm_backward)(const nn_norm *t, int64_t n0, int64_t n1)
{
    const int64_t wide = t->columns;
    const float *weight = t->weight;
    for (int64_t n = n0; n < n1; n++) {
        const float *g = t->grad + n * wide, *y = t->normalised + n * wide;
        float *out = t->out + n * wide;
        const float mean = (float)(NN(long_sum)(wide, g, weight, 0) / (double)wide);
        const float tilt = (float)(NN(long_sum)(wide, g, weight, y) / (double)wide);
        const float scale = 1.0f / t->variance[n];
        NN_INDEPENDENT for (int64_t c = 0; c < wide; c++) out[c] =
            (g[c] * weight[c] - y[c] * tilt - mean) * scale;
    }
}
