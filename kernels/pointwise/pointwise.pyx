# cython: language_level=3, binding=True
"""Compiled activations, losses and noise, named like their references in np_nn/reference/.

Each function takes the arguments of its reference and `threads`, the maximum number of threads,
which never changes a bit of the result. Invalid arrays raise ValueError before anything is changed.

`out` may be one of the inputs of its shape: x, grad or y (even where the reference needs a separate
array, as in elu). Arrays that overlap only in part are refused.

Apart from rounding, the kernels differ from the reference as follows: exp returns 0 instead of
numbers below 1e-38.
"""

include "common/arrays.pxi"

from libc.stdint cimport uint64_t

cdef extern from "pointwise/pointwise.h" nogil:
    ctypedef enum nn_activation:
        nn_relu_forward, nn_relu_backward
        nn_sigmoid_forward, nn_sigmoid_backward
        nn_tanh_forward, nn_tanh_backward
        nn_scaled_tanh_forward, nn_scaled_tanh_backward
        nn_leaky_relu_forward, nn_leaky_relu_backward
        nn_elu_forward, nn_elu_backward
        nn_gelu_forward, nn_gelu_backward
        nn_silu_forward, nn_silu_backward
        nn_add, nn_add_relu

    void nn_activate(nn_activation, int64_t, const float *, const float *, double, float *, int)
    void nn_softmax(const float *, const float *, int64_t, int64_t, int, float *, int)
    int64_t nn_pieces(int64_t)
    double nn_bce(
        int, int64_t, const float *, const float *, double, float *, float *, int)
    ctypedef struct nn_drop:
        pass
    nn_drop nn_drop_of(double)
    void nn_dropout(int64_t, const float *, nn_drop, uint64_t, float *, int)
    void nn_gaussian_noise(int64_t, const float *, double, uint64_t, float *, int)

include "common/extension.pxi"
include "common/workspace.pxi"


cdef int _same_or_apart(const Array *out, const Array *other, str name) except -1:
    if out.data != other.data:
        _apart(out, other, name)
    return 0


# ---- Activations ----------------------------------------------------------------------------


cdef object _forward(str name, nn_activation which, object x, double a, object out, int threads):
    cdef Array given, result
    _read(&given, x, "x", "f", -1, False)
    _read(&result, out, "out", "f", -1, True)
    if not _same_shape(&given, &result):
        raise ValueError(f"{name}: x {_shape(&given)} and out {_shape(&result)} do not fit")
    _same_or_apart(&result, &given, "a part of x")
    with nogil:
        nn_activate(
            which, given.size, NULL, <float *>given.data, a, <float *>result.data, threads)
    return out


cdef object _both(
    str name, nn_activation which, object first, str first_name, object x, str x_name, double a,
    object out, int threads,
):
    cdef Array g, given, result
    _read(&g, first, first_name, "f", -1, False)
    _read(&given, x, x_name, "f", -1, False)
    _read(&result, out, "out", "f", -1, True)
    if not _same_shape(&g, &given) or not _same_shape(&g, &result):
        raise ValueError(
            f"{name}: {first_name} {_shape(&g)}, {x_name} {_shape(&given)} and out "
            f"{_shape(&result)} do not fit")
    _same_or_apart(&result, &g, f"a part of {first_name}")
    _same_or_apart(&result, &given, f"a part of {x_name}")
    with nogil:
        nn_activate(
            which, g.size, <float *>g.data, <float *>given.data, a, <float *>result.data, threads)
    return out


cdef object _backward(
    str name, nn_activation which, object grad, object x, str x_name, double a, object out,
    int threads,
):
    return _both(name, which, grad, "grad", x, x_name, a, out, threads)


def add(x, skip, out, int threads):
    return _both("add", nn_add, x, "x", skip, "skip", 0, out, threads)


def add_relu(x, skip, out, int threads):
    return _both("add_relu", nn_add_relu, x, "x", skip, "skip", 0, out, threads)


def relu_forward(x, out, int threads):
    return _forward("relu_forward", nn_relu_forward, x, 0, out, threads)


def relu_backward(grad, y, out, int threads):
    return _backward("relu_backward", nn_relu_backward, grad, y, "y", 0, out, threads)


def sigmoid_forward(x, out, int threads):
    return _forward("sigmoid_forward", nn_sigmoid_forward, x, 0, out, threads)


def sigmoid_backward(grad, y, out, int threads):
    return _backward("sigmoid_backward", nn_sigmoid_backward, grad, y, "y", 0, out, threads)


def tanh_forward(x, out, int threads):
    return _forward("tanh_forward", nn_tanh_forward, x, 0, out, threads)


def tanh_backward(grad, y, out, int threads):
    return _backward("tanh_backward", nn_tanh_backward, grad, y, "y", 0, out, threads)


def scaled_tanh_forward(x, out, int threads):
    return _forward("scaled_tanh_forward", nn_scaled_tanh_forward, x, 0, out, threads)


def scaled_tanh_backward(grad, y, out, int threads):
    return _backward(
        "scaled_tanh_backward", nn_scaled_tanh_backward, grad, y, "y", 0, out, threads)


def leaky_relu_forward(x, double slope, out, int threads):
    return _forward("leaky_relu_forward", nn_leaky_relu_forward, x, slope, out, threads)


def leaky_relu_backward(grad, x, double slope, out, int threads):
    return _backward(
        "leaky_relu_backward", nn_leaky_relu_backward, grad, x, "x", slope, out, threads)


def elu_forward(x, double alpha, out, int threads):
    return _forward("elu_forward", nn_elu_forward, x, alpha, out, threads)


def elu_backward(grad, x, double alpha, out, int threads):
    return _backward("elu_backward", nn_elu_backward, grad, x, "x", alpha, out, threads)


def gelu_forward(x, out, int threads):
    return _forward("gelu_forward", nn_gelu_forward, x, 0, out, threads)


def gelu_backward(grad, x, out, int threads):
    return _backward("gelu_backward", nn_gelu_backward, grad, x, "x", 0, out, threads)


def silu_forward(x, out, int threads):
    return _forward("silu_forward", nn_silu_forward, x, 0, out, threads)


def silu_backward(grad, x, out, int threads):
    return _backward("silu_backward", nn_silu_backward, grad, x, "x", 0, out, threads)


cdef object _softmax_forward(str name, bint logarithm, object x, object out, int threads):
    cdef Array given, result
    _read(&given, x, "x", "f", 2, False)
    _read(&result, out, "out", "f", 2, True)
    if not _same_shape(&given, &result) or given.shape[1] < 1:
        raise ValueError(f"{name}: x {_shape(&given)} and out {_shape(&result)} do not fit")
    _same_or_apart(&result, &given, "a part of x")
    with nogil:
        nn_softmax(
            NULL, <float *>given.data, given.shape[0], given.shape[1], logarithm,
            <float *>result.data, threads)
    return out


cdef object _softmax_backward(
    str name, bint logarithm, object grad, object y, object out, int threads,
):
    cdef Array g, given, result
    _read(&g, grad, "grad", "f", 2, False)
    _read(&given, y, "y", "f", 2, False)
    _read(&result, out, "out", "f", 2, True)
    if not _same_shape(&g, &given) or not _same_shape(&g, &result):
        raise ValueError(
            f"{name}: grad {_shape(&g)}, y {_shape(&given)} and out {_shape(&result)} do not fit")
    _same_or_apart(&result, &g, "a part of grad")
    _same_or_apart(&result, &given, "a part of y")
    with nogil:
        nn_softmax(
            <float *>g.data, <float *>given.data, g.shape[0], g.shape[1], logarithm,
            <float *>result.data, threads)
    return out


def softmax_forward(x, out, int threads):
    return _softmax_forward("softmax_forward", False, x, out, threads)


def softmax_backward(grad, y, out, int threads):
    return _softmax_backward("softmax_backward", False, grad, y, out, threads)


def log_softmax_forward(x, out, int threads):
    return _softmax_forward("log_softmax_forward", True, x, out, threads)


def log_softmax_backward(grad, y, out, int threads):
    return _softmax_backward("log_softmax_backward", True, grad, y, out, threads)


# ---- Losses ---------------------------------------------------------------------------------


cdef object _bce(
    str name, bint logits, object output, object target, double factor, object grad, int threads,
):
    cdef Array y, t, g
    cdef double loss
    cdef void *work
    _read(&y, output, "output", "f", -1, False)
    _read(&t, target, "target", "f", -1, False)
    _read(&g, grad, "grad", "f", -1, True)
    if not _same_shape(&y, &t) or not _same_shape(&y, &g):
        raise ValueError(
            f"{name}: output {_shape(&y)}, target {_shape(&t)} and grad {_shape(&g)} do not fit")
    _same_or_apart(&g, &y, "a part of output")
    _same_or_apart(&g, &t, "a part of target")
    work = _borrow(4 * nn_pieces(y.size))
    with nogil:
        loss = nn_bce(
            logits, y.size, <float *>y.data, <float *>t.data, factor, <float *>g.data,
            <float *>work, threads)
    nn_give_back(work)
    return loss


def bce(output, target, double factor, grad, int threads):
    return _bce("bce", False, output, target, factor, grad, threads)


def bce_with_logits(output, target, double factor, grad, int threads):
    return _bce("bce_with_logits", True, output, target, factor, grad, threads)


# ---- Noise ----------------------------------------------------------------------------------


cdef int _read_noise(Array *given, Array *result, object x, object out, str name, int64_t most) except -1:
    """Read x and out; at most `most` elements have random numbers of their own."""
    _read(given, x, "x", "f", -1, False)
    _read(result, out, "out", "f", -1, True)
    if not _same_shape(given, result):
        raise ValueError(f"{name}: x {_shape(given)} and out {_shape(result)} do not fit")
    if given.size >= most:
        raise ValueError(f"{name}: x must have fewer than {most} elements, got {given.size}")
    _same_or_apart(result, given, "a part of x")
    return 0


def dropout(x, double p, key, out, int threads):
    cdef Array given, result
    cdef uint64_t bits = key & 0xFFFFFFFFFFFFFFFF
    _read_noise(&given, &result, x, out, "dropout", 2**32)
    if not 0 <= p < 1:
        raise ValueError(f"dropout: p must be at least 0 and below 1, got {p}")
    with nogil:
        nn_dropout(
            given.size, <float *>given.data, nn_drop_of(p), bits, <float *>result.data, threads)
    return out


def gaussian_noise(x, double std, key, out, int threads):
    cdef Array given, result
    cdef uint64_t bits = key & 0xFFFFFFFFFFFFFFFF
    _read_noise(&given, &result, x, out, "gaussian_noise", 2**31)
    with nogil:
        nn_gaussian_noise(
            given.size, <float *>given.data, std, bits, <float *>result.data, threads)
    return out
