/* The convolution family for nets.c. */
#include "wasm/families.h"

#include "convolution/backward.h"

static nn_conv nn_conv_of(const nn_filters *f)
{
    const int64_t side = f->side + 2 * f->padding - f->kernel + 1, pooled = side / f->pool;
    const nn_conv s = {f->images, f->channels, f->side, f->side, f->outputs, f->kernel,
                       f->kernel, 1, 1, f->padding, f->padding, side, side, f->pool, pooled,
                       pooled, f->relu};
    nn_select_isa();
    return s;
}

void nn_convolve(const nn_filters *f, const float *x, const float *w, const float *bias,
                 float *out, uint8_t *where)
{
    const nn_conv s = nn_conv_of(f);
    void *const space = malloc((size_t)nn_conv_forward_space(&s, 1));
    nn_conv_forward(&s, x, w, bias, out, where, space, 1);
    free(space);
}

void nn_convolve_back(const nn_filters *f, const float *x, const float *w, const float *out,
                      const uint8_t *where, const float *grad, float *w_grad, float *bias_grad,
                      float *x_grad)
{
    const nn_conv s = nn_conv_of(f);
    void *const space = malloc((size_t)nn_conv_backward_space(&s, 1, x_grad != 0, 1));
    nn_conv_backward(&s, x, w, out, where, grad, w_grad, bias_grad, x_grad, space, 1);
    free(space);
}
