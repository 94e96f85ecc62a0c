/* Layers of the other families for nets.c. Each family has its own .c file, because a file can
 * include common/dispatch.h, which chooses the instruction set, only once. Images and kernels are
 * square, and all work is done by one thread. */
#ifndef NN_WASM_FAMILIES_H
#define NN_WASM_FAMILIES_H

#include <stdint.h>

/* A convolution at stride 1 of images (images, channels, side, side), optionally followed by ReLU
 * and pooling in windows of pool x pool */
typedef struct {
    int64_t images, channels, side, outputs, kernel, padding, pool;
    int relu;
} nn_filters;

void nn_convolve(const nn_filters *f, const float *x, const float *w, const float *bias,
                 float *out, uint8_t *where);
void nn_convolve_back(const nn_filters *f, const float *x, const float *w, const float *out,
                      const uint8_t *where, const float *grad, float *w_grad, float *bias_grad,
                      float *x_grad);

/* Batch norm and ReLU of x (images, channels, pixels); the backward pass reads out as y. */
typedef struct {
    int64_t images, channels, pixels;
    const float *x, *weight, *bias;
    float *out, *mean, *variance;
} nn_normed;

void nn_normalise(const nn_normed *n);
void nn_normalise_back(const nn_normed *n, const float *grad, float *weight_grad,
                       float *bias_grad, float *x_grad);

/* Average pooling of 2 x 2 pixels of planes (planes, side, side) */
void nn_halve(int64_t planes, int64_t side, const float *x, float *out);
void nn_halve_back(int64_t planes, int64_t side, const float *grad, float *out);

/* GELU, or with grad its backward pass; dropout with p = 0.5; normal noise */
void nn_gelu_of(int64_t n, const float *grad, const float *x, float *out);
void nn_drop_half(int64_t n, const float *x, uint64_t key, float *out);
void nn_add_noise(int64_t n, const float *x, double std, uint64_t key, float *out);

#endif
