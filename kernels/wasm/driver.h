/* A multilayer perceptron behind plain C functions. A page in the browser calls them as WebAssembly
 * exports without the prefix nn_ (driver.c), native programs as they are.
 *
 * Sizes and counts are 32-bit integers and pointers are addresses in the module's memory, so that
 * JavaScript needs no BigInt. A function that can fail returns 0, or one of the errors below, in
 * which case it has changed nothing. Sizes, counts and labels are checked; addresses are not.
 *
 *     const {exports: nn} = await WebAssembly.instantiate(module)     no imports
 *     nn._initialize()                                                once, before all others
 *     const net = nn.create(widths, 3, 1)            widths: address of int32 784, 128, 10
 *     nn.set(net, images, labels, count, 1 / 255, 0)
 *     nn.reset(net, seed)
 *     nn.adam(net, 0.9, 0.999, 1e-8)
 *     nn.train(net, steps, batch, rate)              call it repeatedly
 *     new Float64Array(nn.memory.buffer, nn.losses(net), steps)
 *
 * Memory may grow in create, set, train, predict and alloc: create its views again afterwards.
 */
#ifndef NN_WASM_DRIVER_H
#define NN_WASM_DRIVER_H

#include <stdint.h>

#ifdef __wasm__
#define NN_EXPORT(name) __attribute__((export_name(#name)))
#else
#define NN_EXPORT(name)
#endif

enum {
    NN_NO_MEMORY = -1,
    NN_BAD_SIZE = -2,  /* a width, a count, an activation, a number of layers or steps */
    NN_BAD_LABEL = -3, /* not in 0 .. classes - 1 */
    NN_NO_SET = -4     /* train before set */
};

typedef struct nn_net nn_net;

/* Allocate memory for arguments of the functions below, or return null. */
NN_EXPORT(alloc) void *nn_alloc(uint32_t bytes);
NN_EXPORT(free) void nn_free(void *memory);

/* Create a network of `count` - 1 linear layers between `count` widths, inputs first and classes
 * last, or return null. activation, after all layers but the last: 0 none, 1 ReLU, 2 sigmoid, 3
 * tanh, 4 LeCun's 1.7159 tanh(2/3 x). The weights are those of reset(net, 0), the rule is plain
 * SGD. */
NN_EXPORT(create) nn_net *nn_create(const int32_t *widths, int32_t count, int32_t activation);
NN_EXPORT(destroy) void nn_destroy(nn_net *net);

/* Set the training set to copies of `count` images of widths[0] bytes and their labels. The
 * network's input is byte * scale + shift. */
NN_EXPORT(set)
int32_t nn_set(nn_net *net, const uint8_t *images, const uint8_t *labels, int32_t count,
               double scale, double shift);

/* Restart: weights and biases uniform in +-1 / sqrt(inputs), moments 0, step 0, and batches drawn
 * from the beginning. The seed determines all of it. */
NN_EXPORT(reset) void nn_reset(nn_net *net, uint32_t seed);

/* Set the update rule of train, with moments 0 and step 0. momentum 0: plain SGD. */
NN_EXPORT(sgd) void nn_use_sgd(nn_net *net, double momentum, int32_t nesterov);
NN_EXPORT(adam) void nn_use_adam(nn_net *net, double beta1, double beta2, double eps);

/* Train for `steps` steps on batches of `batch` images with cross-entropy. Each epoch has its own
 * order of the images; a batch may end one epoch and begin the next. Splitting steps into several
 * calls changes no bit if batch > 1. losses (double) and correct (int32): of each step of the last
 * call, before its update. */
NN_EXPORT(train) int32_t nn_train(nn_net *net, int32_t steps, int32_t batch, double rate);
NN_EXPORT(losses) double *nn_losses(nn_net *net);
NN_EXPORT(correct) int32_t *nn_correct(nn_net *net);

/* Parameters, readable and writable: for each layer 0, 1, ... its weight (inputs, outputs),
 * row-major (PyTorch's is the transpose), then its bias (outputs). All are contiguous,
 * nn_parameters floats from weight(net, 0) on. */
NN_EXPORT(weight) float *nn_weight(nn_net *net, int32_t layer);
NN_EXPORT(bias) float *nn_bias(nn_net *net, int32_t layer);
NN_EXPORT(parameters) int32_t nn_parameters(nn_net *net);

/* Everything that train changes, in one block of state_bytes: the clock (step, images drawn, seed),
 * parameters, moments. Writing back a copy is an exact undo. */
NN_EXPORT(state) void *nn_state(nn_net *net);
NN_EXPORT(state_bytes) int32_t nn_state_bytes(nn_net *net);
NN_EXPORT(steps) double nn_steps(nn_net *net);

/* Compute logits (count, classes) of images (count, widths[0]) with the current parameters. */
NN_EXPORT(predict)
int32_t nn_predict(nn_net *net, const uint8_t *images, int32_t count, float *logits);

/* Return the name of the instruction set in use. */
NN_EXPORT(isa) const char *nn_isa_in_use(void);

#endif
