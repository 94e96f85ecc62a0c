# cython: language_level=3, binding=True
"""Compiled normalisation, with the names of the functions in np_nn/reference/norm.py.

Each function takes the arguments of its reference and `threads`, the maximum number of threads,
which never changes a bit of the result. Invalid arrays raise ValueError before anything is changed.

Where the reference permits it, `out` may be x, grad or normalised. Arrays that overlap only in part
are refused.
"""

include "common/arrays.pxi"

cdef extern from "norm/norm.h" nogil:
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

    int64_t nn_norm_space(const nn_norm *, int)
    void nn_batch_norm_forward(const nn_norm *, int)
    void nn_batch_norm_backward(const nn_norm *, int)
    void nn_batch_norm_apply(const nn_norm *, int)
    void nn_layer_norm_forward(const nn_norm *, int)
    void nn_layer_norm_backward(const nn_norm *, int)

include "common/extension.pxi"
include "common/workspace.pxi"


cdef int _read_norm(
    Array *arrays, nn_norm *t, str function, tuple given, tuple names, const char *kinds,
) except -1:
    """Read all arrays of a call; the first one gives the shape (rows, columns).

    kinds has a letter for each array: x, f or n for shapes (rows, columns), (columns,) or (rows,),
    uppercase if the array is written. A written array must not share memory with another one,
    except that a written matrix may be identical to one that is read. If kinds has no n, x may also
    be images (rows, columns, height, width).
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
    nn_give_back(t.space)
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
    nn_give_back(t.space)
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
    nn_give_back(t.space)
    return out
