/* Activations of blocks of rows, and gathering a batch, for one instruction set.
 *
 * Included by loops.h, once per instruction set.
 */

/* Apply an activation in place to a block of rows of `width` elements (ReLU is fused into the
 * product):
 *
 *     for r: for i: y[r, i] = f(y[r, i]) */
static void NN(activate)(int kind, int64_t rows, int64_t width, float *y, int64_t ld)
{
    for (int64_t r = 0; r < rows; r++, y += ld)
        switch (kind) {
        case NN_SIGMOID: NN(sigmoid_forward)(width, 0, y, 0, y); break;
        case NN_TANH: NN(tanh_forward)(width, 0, y, 0, y); break;
        case NN_SCALED_TANH: NN(scaled_tanh_forward)(width, 0, y, 0, y); break;
        default: break;
        }
}

/* Multiply grad by the activation's derivative, computed from y = f(x):
 *
 *     for r: for i: grad[r, i] *= f'(x) */
static void NN(activate_backward)(int kind, int64_t rows, int64_t width, float *grad,
                                  const float *y, int64_t ld)
{
    const float steep = 2.0f / 3.0f * 1.7159f, bend = 2.0f / 3.0f / 1.7159f;
    for (int64_t r = 0; r < rows; r++, grad += ld, y += ld)
        switch (kind) {
        case NN_RELU: NN(relu_backward)(width, grad, y, 0, grad); break;
        case NN_SIGMOID: NN(sigmoid_backward)(width, grad, y, 0, grad); break;
        case NN_TANH: NN(tanh_backward)(width, grad, y, 0, grad); break;
        case NN_SCALED_TANH:
            NN_INDEPENDENT for (int64_t i = 0; i < width; i++) grad[i] *=
                FUSED(-bend, y[i] * y[i], steep);
            break;
        default: break;
        }
}

/* Gather rows [n0, n1) of a batch, `width` elements each:
 *
 *     for n: for i: out[n, i] = scale * images[index[n], i] + shift */
static void NN(gather_bytes)(const uint8_t *images, const int64_t *index, int64_t n0, int64_t n1,
                             int64_t width, float scale, float shift, float *out)
{
    for (int64_t n = n0; n < n1; n++) {
        const uint8_t *NN_RESTRICT from = images + index[n] * width;
        float *NN_RESTRICT to = out + n * width;
        for (int64_t i = 0; n + 2 < n1 && i < width; i += 64) /* rows of a set lie far apart */
            NN_PREFETCH(images + index[n + 2] * width + i);
        for (int64_t i = 0; i < width; i++)
            to[i] = FUSED(scale, (float)from[i], shift);
    }
}

/* As gather_bytes, for images of floats. */
static void NN(gather_floats)(const float *images, const int64_t *index, int64_t n0, int64_t n1,
                              int64_t width, float scale, float shift, float *out)
{
    for (int64_t n = n0; n < n1; n++) {
        const float *NN_RESTRICT from = images + index[n] * width;
        float *NN_RESTRICT to = out + n * width;
        for (int64_t i = 0; i < width; i++)
            to[i] = FUSED(scale, from[i], shift);
    }
}
