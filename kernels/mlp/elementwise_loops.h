/* Activations, and what else is done to numbers one by one in an MLP, for one instruction set.
 *
 * Included by loops.h, once per instruction set.
 */

/* In place for a block of rows, each `width` numbers:
 *
 *     for r: for i: y[r, i] = f(y[r, i])
 *
 * f(y) = 1 / (1 + exp(-y)), tanh(y), 1.7159 tanh(2 y / 3) (LeCun et al. 1998) or max(y, 0) */
static void NN(activate)(int kind, int64_t rows, int64_t width, float *y, int64_t ld)
{
    for (int64_t r = 0; r < rows; r++, y += ld)
        switch (kind) {
        case NN_SIGMOID:
            for (int64_t i = 0; i < width; i++)
                y[i] = NN(sigmoid)(y[i]);
            break;
        case NN_TANH:
            for (int64_t i = 0; i < width; i++)
                y[i] = NN(tanh_of)(y[i]);
            break;
        case NN_SCALED_TANH:
            for (int64_t i = 0; i < width; i++)
                y[i] = 1.7159f * NN(tanh_of)(y[i] * (2.0f / 3.0f));
            break;
        case NN_RELU:
            for (int64_t i = 0; i < width; i++)
                y[i] = y[i] < 0 ? 0 : y[i]; /* NaN stays */
            break;
        default: break;
        }
}

/* The way back, in terms of y = f(x):
 *
 *     for r: for i: grad[r, i] *= f'(x)
 *
 * f' = y (1 - y), 1 - y^2, 2/3 (1.7159 - y^2 / 1.7159) or (y > 0 ? 1 : 0) */
static void NN(activate_backward)(int kind, int64_t rows, int64_t width, float *NN_RESTRICT grad,
                                  const float *NN_RESTRICT y, int64_t ld)
{
    const float steep = 2.0f / 3.0f * 1.7159f, bend = 2.0f / 3.0f / 1.7159f;
    for (int64_t r = 0; r < rows; r++, grad += ld, y += ld)
        switch (kind) {
        case NN_SIGMOID:
            for (int64_t i = 0; i < width; i++)
                grad[i] *= y[i] * (1 - y[i]);
            break;
        case NN_TANH:
            for (int64_t i = 0; i < width; i++)
                grad[i] *= 1 - y[i] * y[i];
            break;
        case NN_SCALED_TANH:
            for (int64_t i = 0; i < width; i++)
                grad[i] *= steep - bend * (y[i] * y[i]);
            break;
        case NN_RELU:
            for (int64_t i = 0; i < width; i++)
                grad[i] = y[i] > 0 ? grad[i] : 0;
            break;
        default: break;
        }
}

/* Rows [n0, n1) of a batch, `width` numbers each:
 *
 *     for n: for i: out[n, i] = scale * images[index[n], i] + shift */
static void NN(gather_bytes)(const uint8_t *images, const int64_t *index, int64_t n0, int64_t n1,
                             int64_t width, float scale, float shift, float *out)
{
    for (int64_t n = n0; n < n1; n++) {
        const uint8_t *NN_RESTRICT from = images + index[n] * width;
        float *NN_RESTRICT to = out + n * width;
        for (int64_t i = 0; i < width; i++)
            to[i] = scale * (float)from[i] + shift;
    }
}

/* The same of images that are floats. */
static void NN(gather_floats)(const float *images, const int64_t *index, int64_t n0, int64_t n1,
                              int64_t width, float scale, float shift, float *out)
{
    for (int64_t n = n0; n < n1; n++) {
        const float *NN_RESTRICT from = images + index[n] * width;
        float *NN_RESTRICT to = out + n * width;
        for (int64_t i = 0; i < width; i++)
            to[i] = scale * from[i] + shift;
    }
}
