# cython: language_level=3, binding=True
"""Compiled activations, losses, noise and normalisation: functions of np_nn/reference/ by their names.

As in compiled.pyx, each takes the arguments of its reference and `threads`, whose number never
changes a bit of the result, and what does not fit raises ValueError before anything is changed.

`out` may be one of the inputs of its shape: x, grad or y in the functions of single numbers and
the softmax (also where the reference needs another array, as in elu), x or normalised, grad or
normalised in the normalisations as their reference permits. Arrays that share only a part of
their memory are refused.

Beside rounding, the kernels differ from the reference in this: exp gives 0 where it would give
a number below 1e-38.
"""

include "common/arrays.pxi"

from libc.stdint cimport uint64_t

cdef extern from "pointwise/pointwise.h" nogil:
    ctypedef enum nn_activation:
        nn_sigmoid_forward, nn_sigmoid_backward
        nn_tanh_forward, nn_tanh_backward
        nn_scaled_tanh_forward, nn_scaled_tanh_backward
        nn_leaky_relu_forward, nn_leaky_relu_backward
        nn_elu_forward, nn_elu_backward
        nn_gelu_forward, nn_gelu_backward
        nn_silu_forward, nn_silu_backward
        nn_add, nn_add_relu
    ctypedef struct nn_norm:
        int64_t rows, columns, inner
        const float *grad
        const float *y
        const float *x
        const float *weight
        const float *bias
        float eps
        int relu
        float *out
        float *normalised
        float *mean
        float *variance
        float *weight_grad
        float *bias_grad
        float *space

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
    int64_t nn_norm_space(const nn_norm *, int)
    void nn_batch_norm_forward(const nn_norm *, int)
    void nn_batch_norm_backward(const nn_norm *, int)
    void nn_batch_norm_apply(const nn_norm *, int)
    void nn_channel_bias(const nn_norm *, int)
    void nn_layer_norm_forward(const nn_norm *, int)
    void nn_layer_norm_backward(const nn_norm *, int)

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
    _give_back(work)
    return loss


def bce(output, target, double factor, grad, int threads):
    return _bce("bce", False, output, target, factor, grad, threads)


def bce_with_logits(output, target, double factor, grad, int threads):
    return _bce("bce_with_logits", True, output, target, factor, grad, threads)


# ---- Noise ----------------------------------------------------------------------------------


cdef int _read_noise(Array *given, Array *result, object x, object out, str name, int64_t most) except -1:
    """x and out; so many elements at most have random numbers of their own."""
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


# ---- Normalisation --------------------------------------------------------------------------


cdef int _read_norm(
    Array *arrays, nn_norm *t, str function, tuple given, tuple names, const char *kinds,
) except -1:
    """Look at all arrays of a call; the first one gives the shape (rows, columns).

    kinds has a letter for each: x, f or n for shapes (rows, columns), (columns,) or (rows,),
    and the capital if it is written. What is written must be apart from all others, but that
    a written matrix may be one that is read. Where rows have no n, images may stand for them:
    x for (rows, columns, height, width).
    """
    cdef int i, j, axes = 2
    cdef char kind, other
    cdef bint written
    if b"n" not in kinds and b"N" not in kinds and np.ndim(given[0]) == 4:
        axes = 4
    for i in range(len(given)):
        written = kinds[i] < c"a"
        kind = kinds[i] + 32 if written else kinds[i]
        _read(&arrays[i], given[i], names[i], "f", axes if kind == c"x" else 1, written)
        if i == 0:
            t.rows, t.columns, t.inner = arrays[0].shape[0], arrays[0].shape[1], 1
            for j in range(2, axes):
                t.inner *= arrays[0].shape[j]
        elif (not _same_shape(&arrays[i], &arrays[0]) if kind == c"x" else
                arrays[i].shape[0] != (t.columns if kind == c"f" else t.rows)):
            raise ValueError(
                f"{function}: {names[0]} {_shape(&arrays[0])} and {names[i]} "
                f"{_shape(&arrays[i])} do not fit")
    for i in range(len(given)):
        for j in range(len(given)):
            if i != j and kinds[i] < c"a" and not (
                    kinds[i] == c"X" and kinds[j] == c"x" and arrays[i].data == arrays[j].data):
                if _overlap(&arrays[i], &arrays[j]):
                    raise ValueError(f"{names[i]} must not share memory with {names[j]}")
    return 0


cdef bint _overlap(const Array *a, const Array *b) noexcept:
    return (<char *>a.data < <char *>b.data + b.size * 4
            and <char *>b.data < <char *>a.data + a.size * 4)


cdef object _norm_forward(
    str name, bint relu, object x, object weight, object bias, double eps, object out, object mean,
    object variance, int threads,
):
    cdef Array a[6]
    cdef nn_norm t
    _read_norm(
        a, &t, name, (x, weight, bias, out, mean, variance),
        ("x", "weight", "bias", "out", "mean", "variance"), "xffXFF")
    if t.rows < 1 or t.inner < 1:
        raise ValueError(f"{name}: a batch must have at least one sample")
    t.x, t.weight, t.bias = <float *>a[0].data, <float *>a[1].data, <float *>a[2].data
    t.out, t.mean, t.variance = <float *>a[3].data, <float *>a[4].data, <float *>a[5].data
    t.eps, t.relu = eps, relu
    t.space = <float *>_borrow(nn_norm_space(&t, threads))
    with nogil:
        nn_batch_norm_forward(&t, threads)
    _give_back(t.space)
    return out


def batch_norm_forward(x, weight, bias, double eps, out, mean, variance, int threads):
    return _norm_forward(
        "batch_norm_forward", False, x, weight, bias, eps, out, mean, variance, threads)


def batch_norm_relu_forward(x, weight, bias, double eps, out, mean, variance, int threads):
    return _norm_forward(
        "batch_norm_relu_forward", True, x, weight, bias, eps, out, mean, variance, threads)


cdef object _norm_backward(
    str name, bint relu, object grad, object y, object x, object weight, object mean,
    object variance, double eps, object weight_grad, object bias_grad, object out, int threads,
):
    cdef Array a[9]
    cdef nn_norm t
    _read_norm(
        a, &t, name, (grad, y, x, weight, mean, variance, weight_grad, bias_grad, out),
        ("grad", "y", "x", "weight", "mean", "variance", "weight_grad", "bias_grad", "out"),
        "xxxfffFFX")
    if t.rows < 1 or t.inner < 1:
        raise ValueError(f"{name}: a batch must have at least one sample")
    t.grad, t.y, t.x = <float *>a[0].data, <float *>a[1].data, <float *>a[2].data
    t.weight, t.mean, t.variance = <float *>a[3].data, <float *>a[4].data, <float *>a[5].data
    t.weight_grad, t.bias_grad, t.out = <float *>a[6].data, <float *>a[7].data, <float *>a[8].data
    t.eps, t.relu = eps, relu
    t.space = <float *>_borrow(nn_norm_space(&t, threads))
    with nogil:
        nn_batch_norm_backward(&t, threads)
    _give_back(t.space)
    return out


def batch_norm_backward(
    grad, x, weight, mean, variance, double eps, weight_grad, bias_grad, out, int threads,
):
    return _norm_backward(
        "batch_norm_backward", False, grad, grad, x, weight, mean, variance, eps, weight_grad,
        bias_grad, out, threads)


def batch_norm_relu_backward(
    grad, y, x, weight, mean, variance, double eps, weight_grad, bias_grad, out, int threads,
):
    return _norm_backward(
        "batch_norm_relu_backward", True, grad, y, x, weight, mean, variance, eps, weight_grad,
        bias_grad, out, threads)


def batch_norm_apply(x, weight, bias, double eps, mean, variance, out, int threads):
    cdef Array a[6]
    cdef nn_norm t
    _read_norm(
        a, &t, "batch_norm_apply", (x, weight, bias, mean, variance, out),
        ("x", "weight", "bias", "mean", "variance", "out"), "xffffX")
    t.x, t.weight, t.bias = <float *>a[0].data, <float *>a[1].data, <float *>a[2].data
    t.mean, t.variance, t.eps = <float *>a[3].data, <float *>a[4].data, eps
    t.out = <float *>a[5].data
    t.space = NULL
    with nogil:
        nn_batch_norm_apply(&t, threads)
    return out


def conv2d_backward_bias(grad, out, int threads):
    cdef Array a[2]
    cdef nn_norm t
    _read(&a[0], grad, "grad", "f", 4, False)
    _read(&a[1], out, "out", "f", 1, True)
    t.rows, t.columns, t.inner = a[0].shape[0], a[0].shape[1], a[0].shape[2] * a[0].shape[3]
    if a[1].size != t.columns:
        raise ValueError(
            f"conv2d_backward_bias: grad {_shape(&a[0])} and out {_shape(&a[1])} do not fit")
    _apart(&a[1], &a[0], "grad")
    t.grad, t.bias_grad = <float *>a[0].data, <float *>a[1].data
    t.space = NULL
    with nogil:
        nn_channel_bias(&t, threads)
    return out


def layer_norm_forward(x, weight, bias, double eps, out, normalised, deviation, int threads):
    cdef Array a[6]
    cdef nn_norm t
    _read_norm(
        a, &t, "layer_norm_forward", (x, weight, bias, out, normalised, deviation),
        ("x", "weight", "bias", "out", "normalised", "deviation"), "xffXXN")
    if t.columns < 1:
        raise ValueError("layer_norm_forward: a sample must have at least one unit")
    t.x, t.weight, t.bias = <float *>a[0].data, <float *>a[1].data, <float *>a[2].data
    t.out, t.normalised = <float *>a[3].data, <float *>a[4].data
    t.variance, t.eps = <float *>a[5].data, eps
    with nogil:
        nn_layer_norm_forward(&t, threads)
    return out


def layer_norm_backward(
    grad, normalised, weight, deviation, weight_grad, bias_grad, out, int threads,
):
    cdef Array a[7]
    cdef nn_norm t
    _read_norm(
        a, &t, "layer_norm_backward",
        (grad, normalised, weight, deviation, weight_grad, bias_grad, out),
        ("grad", "normalised", "weight", "deviation", "weight_grad", "bias_grad", "out"), "xxfnFFX")
    if t.columns < 1:
        raise ValueError("layer_norm_backward: a sample must have at least one unit")
    t.grad, t.normalised, t.weight = <float *>a[0].data, <float *>a[1].data, <float *>a[2].data
    t.variance, t.out = <float *>a[3].data, <float *>a[6].data
    t.weight_grad, t.bias_grad = <float *>a[4].data, <float *>a[5].data
    t.y = t.grad
    t.space = <float *>_borrow(nn_norm_space(&t, threads))
    with nogil:
        nn_layer_norm_backward(&t, threads)
    _give_back(t.space)
    return out
