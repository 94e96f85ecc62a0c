/* The pointwise family for nets.c. */
#include "wasm/families.h"

#include "pointwise/pointwise.h"

void nn_gelu_of(int64_t n, const float *grad, const float *x, float *out)
{
    nn_select_isa();
    nn_activate(grad ? nn_gelu_backward : nn_gelu_forward, n, grad, x, 0, out, 1);
}

void nn_drop_half(int64_t n, const float *x, uint64_t key, float *out)
{
    nn_select_isa();
    nn_dropout(n, x, nn_drop_of(0.5), key, out, 1);
}

void nn_add_noise(int64_t n, const float *x, double std, uint64_t key, float *out)
{
    nn_select_isa();
    nn_gaussian_noise(n, x, std, key, out, 1);
}
