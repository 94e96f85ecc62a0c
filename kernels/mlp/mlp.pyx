# cython: language_level=3, binding=True
"""Compiled layers, optimizers and training steps, named like their references in np_nn/reference/.

Each function takes the arguments of its reference, whose docstring says what it computes, and
`threads`, the maximum number of threads. The number of threads never changes a bit of the result.
Invalid arrays (wrong dtype, not contiguous, shapes that do not fit together, an index out of range)
raise ValueError before anything is changed.

Apart from rounding, the kernels differ from the reference as follows: indices and labels must not
be negative; products of compressed rows skip zero pixels, so 0 times infinity is 0 there instead of
NaN; optimizers treat numbers below 1e-38 (float32 denormals) as 0. `scratch` is ignored.

The functions are in the files included below. They are one extension because whole training steps
(steps.pxi) use the loops of all the other functions.
"""

include "common/arrays.pxi"

from libc.stdint cimport uint8_t, uint16_t, uint64_t
from libc.string cimport memset

cdef extern from "mlp/steps.h" nogil:
    ctypedef struct nn_rows:
        const int64_t *indptr
        const uint16_t *cols
        const uint8_t *vals
        const float *table
        float shift
        int64_t width
    ctypedef struct nn_optimizer:
        int kind
    ctypedef struct nn_parameter:
        float *w
        float *m
        float *v
        float *u
    ctypedef struct nn_drop:
        pass
    ctypedef struct nn_layer:
        int64_t ins "in", out, ld, ldw
        int activation
        nn_parameter weight, bias, scale, offset, running
        float eps, momentum
        nn_drop drop
        const uint64_t *keys
    ctypedef struct nn_mlp_run:
        const nn_rows *x
        int loss
        double setting, l2
        const int64_t *labels
        const float *targets
        const int64_t *index
        int64_t count, steps
        const double *rates
        double *losses
        int64_t *correct
    const int NN_MAX_LAYERS, NN_MAX_THREADS, NN_MOST_PIXELS, NN_CROSS_ENTROPY, NN_MSE
    const int NN_IDENTITY, NN_RELU, NN_SIGMOID, NN_TANH, NN_SCALED_TANH

    int64_t nn_chunk_at(int64_t, int64_t)
    nn_optimizer nn_store()
    nn_optimizer nn_sgd(double, double, int)
    nn_optimizer nn_adam(double, double, double, double, int, int, int64_t)
    nn_optimizer nn_adagrad(double, double, double, int64_t)
    nn_optimizer nn_rmsprop(double, double, double, double, int)
    nn_optimizer nn_adadelta(double, double, double)
    int nn_moments(const nn_optimizer *)
    void nn_begin_step(nn_optimizer *, double)

    nn_drop nn_drop_of(double)

    int64_t nn_find_bad_row(const nn_rows *, int64_t, int64_t, const int64_t *, int64_t, int64_t *)
    int64_t nn_find_outside(const int64_t *, int64_t, int64_t)
    int64_t nn_packed_bytes(int64_t, int64_t)
    ctypedef struct nn_sparse_work:
        int64_t bytes
    nn_sparse_work nn_sparse_plan(const nn_rows *, int64_t, int64_t, int64_t, int, void *)
    int64_t nn_sparse_gradient_bytes(const nn_rows *, int64_t, int64_t, int64_t, int)
    int64_t nn_transposed_floats(int64_t, int64_t, int)
    int64_t nn_inputs_floats(int64_t, int64_t, int64_t, int)
    char *nn_align(void *)

    void nn_count_pixels(const uint8_t *, int64_t, int64_t, int64_t *, int)
    void nn_compress(const uint8_t *, int64_t, int64_t, const int64_t *, uint16_t *, uint8_t *, int)
    void nn_sparse_linear_forward(
        const nn_rows *, const int64_t *, int64_t, int64_t, const float *, int64_t, const float *,
        int64_t, float *, int64_t, void *, int)
    void nn_sparse_linear_backward_weight(
        const nn_rows *, const int64_t *, int64_t, int64_t, const float *, int64_t, int64_t,
        float *, int64_t, void *, int)
    void nn_linear_forward(
        const float *, int64_t, const float *, int64_t, const float *, int64_t, int64_t, int64_t,
        float *, int64_t, float *, int)
    void nn_linear_backward_weight(
        const float *, int64_t, const float *, int64_t, int64_t, int64_t, int64_t, float *, int64_t,
        float *, float *, int)
    void nn_bias_update(
        const float *, int64_t, int64_t, int64_t, const nn_optimizer *, nn_parameter, int)
    void nn_linear_backward_input(
        const float *, int64_t, const float *, int64_t, int64_t, int64_t, int64_t, float *, int64_t,
        float *, int)
    double nn_cross_entropy(
        const float *, const int64_t *, int64_t, int64_t, double, float *, float *, int)
    void nn_optimizer_step(const nn_optimizer *, int64_t, const float *, nn_parameter, int)
    void nn_gather(
        const uint8_t *, const float *, const int64_t *, int64_t, int64_t, double, double, float *,
        int)

    int64_t nn_mlp_find_bad_row(
        const nn_rows *, int64_t, int64_t, const nn_layer *, int, const int64_t *, int64_t, int64_t,
        int64_t *, int)
    int64_t nn_mlp_find_bad_label(const int64_t *, const int64_t *, int64_t, int64_t)
    int64_t nn_mlp_bytes(const nn_rows *, const nn_layer *, int, int64_t, int64_t, int)
    void nn_mlp_train(
        const nn_mlp_run *, nn_layer *, int, const nn_optimizer *, int64_t, void *, int)

include "common/extension.pxi"
include "common/workspace.pxi"
include "mlp/linear.pxi"
include "mlp/optimizers.pxi"
include "mlp/sparse.pxi"
include "mlp/steps.pxi"
