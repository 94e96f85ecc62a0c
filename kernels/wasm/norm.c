/* The norm family for nets.c. */
#include "wasm/families.h"

#include "norm/norm.h"

static nn_norm nn_norm_of(const nn_normed *n)
{
    nn_norm t = {0};
    nn_select_isa();
    t.rows = n->images;
    t.columns = n->channels;
    t.inner = n->pixels;
    t.x = n->x;
    t.weight = n->weight;
    t.bias = n->bias;
    t.eps = 1e-5f;
    t.relu = 1;
    t.mean = n->mean;
    t.variance = n->variance;
    t.space = malloc((size_t)nn_norm_space(&t, 1) + 1);
    return t;
}

void nn_normalise(const nn_normed *n)
{
    nn_norm t = nn_norm_of(n);
    t.out = n->out;
    nn_batch_norm_forward(&t, 1);
    free(t.space);
}

void nn_normalise_back(const nn_normed *n, const float *grad, float *weight_grad,
                       float *bias_grad, float *x_grad)
{
    nn_norm t = nn_norm_of(n);
    t.grad = grad;
    t.y = n->out;
    t.out = x_grad;
    t.weight_grad = weight_grad;
    t.bias_grad = bias_grad;
    nn_batch_norm_backward(&t, 1);
    free(t.space);
}
