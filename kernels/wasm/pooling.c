/* The pooling family for nets.c. */
#include "wasm/families.h"

#include "pooling/pooling.h"

static nn_pool nn_halves(int64_t planes, int64_t side)
{
    const nn_pool s = {planes, side, side, 2, 2, 2, 2, 0, 0, side / 2, side / 2, 1};
    nn_select_isa();
    return s;
}

void nn_halve(int64_t planes, int64_t side, const float *x, float *out)
{
    const nn_pool s = nn_halves(planes, side);
    void *const space = malloc((size_t)nn_pool_space(&s, 1));
    nn_avg_forward(&s, x, out, space, 1);
    free(space);
}

void nn_halve_back(int64_t planes, int64_t side, const float *grad, float *out)
{
    const nn_pool s = nn_halves(planes, side);
    void *const space = malloc((size_t)nn_pool_space(&s, 1));
    nn_pool_backward(&s, grad, 0, out, space, 1);
    free(space);
}
