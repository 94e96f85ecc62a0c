# cython: language_level=3, binding=True
"""Compiled convolution, with the names of the functions in np_nn/reference/convolution.py.

Each function takes the arguments of its reference and `threads`, the maximum number of threads,
which never changes a bit of the result. Invalid arrays raise ValueError before anything is changed.
No output may share memory with an input.
"""

include "common/arrays.pxi"

from libc.stdint cimport int32_t, uint8_t

cdef extern from "convolution/backward.h" nogil:
    ctypedef struct nn_conv:
        int64_t n, c, h, w, o, kh, kw, stride_h, stride_w, pad_h, pad_w, oh, ow, pool, ph, pw
        int relu

    int64_t nn_conv_forward_space(const nn_conv *, int)
    void nn_conv_forward(
        const nn_conv *, const float *, const float *, const float *, float *, uint8_t *, void *,
        int)
    int64_t nn_conv_backward_space(const nn_conv *, int, int, int)
    void nn_conv_backward(
        const nn_conv *, const float *, const float *, const float *, const uint8_t *,
        const float *, float *, float *, float *, void *, int)
    void nn_conv_bias(const float *, int64_t, int64_t, int64_t, float *, int)

include "common/extension.pxi"
include "common/workspace.pxi"
include "common/windows.pxi"

MOST_POOL = 16  # the positions in a window fit in a byte


cdef int _fit(nn_conv *s, const Array *x, const Array *w, object stride, object padding,
              int64_t pool, bint relu, const Array *out, str name) except -1:
    """Fill in the sizes of a convolution, if x, the weight and the output fit together."""
    cdef double area, most
    cdef bint fits
    s.n, s.c, s.h, s.w = x.shape[0], x.shape[1], x.shape[2], x.shape[3]
    s.o, s.kh, s.kw = w.shape[0], w.shape[2], w.shape[3]
    s.stride_h, s.stride_w = _pair(stride, "stride", 1)
    s.pad_h, s.pad_w = _pair(padding, "padding", 0)
    s.pool, s.relu = pool, relu
    if not 1 <= pool <= MOST_POOL:
        raise ValueError(f"{name}: pool must be 1 to {MOST_POOL}, got {pool}")
    # Offsets within one image, and within the weights, have 32 bits. They count all channels or
    # outputs, rounded up to whole vectors, with the widest border of the backward pass.
    area = (<double>s.h + 2 * s.pad_h + s.kh) * (<double>s.w + 2 * s.pad_w + s.kw)
    most = max(area * (max(s.o, s.c) + 16), <double>s.o * s.kh * (<double>s.kw * s.c + 16))
    if most >= 1 << 30:
        raise ValueError(f"{name}: x {_shape(x)}, weight {_shape(w)} and padding {padding} are "
                         "too large")
    fits = w.size > 0 and w.shape[1] == s.c and s.h > 0 and s.w > 0
    fits = fits and s.h + 2 * s.pad_h >= s.kh and s.w + 2 * s.pad_w >= s.kw
    if fits:
        s.oh = (s.h + 2 * s.pad_h - s.kh) // s.stride_h + 1
        s.ow = (s.w + 2 * s.pad_w - s.kw) // s.stride_w + 1
        s.ph, s.pw = s.oh // pool, s.ow // pool
        fits = s.ph > 0 and s.pw > 0 and (
            (out.shape[0], out.shape[1], out.shape[2], out.shape[3]) == (s.n, s.o, s.ph, s.pw))
    if not fits:
        raise ValueError(
            f"{name}: x {_shape(x)}, weight {_shape(w)}, stride {stride}, padding {padding}"
            f"{f', pool {pool}' if pool > 1 else ''} and an output {_shape(out)} do not fit")
    return 0


cdef int _read_vector(Array *array, object given, str name, int64_t size, bint write) except -1:
    """Read a vector of `size` elements, or None, for which data is null."""
    array.data = NULL
    array.size = 0
    if given is not None:
        _read(array, given, name, "f", 1, write)
        if array.size != size:
            raise ValueError(f"{name} must have {size} numbers, got {array.size}")
    return 0


cdef int _read_places(
    Array *array, object given, const Array *out, int64_t pool, bint write,
) except -1:
    """Read `where`, which has out's shape; without pooling its data is null."""
    array.data = NULL
    array.size = 0
    if pool > 1:
        _read(array, given, "where", "B", 4, write)
        if not _same_shape(array, out):
            raise ValueError(f"where {_shape(array)} does not fit an output {_shape(out)}")
    return 0


cdef object _forward(str name, object x, object weight, object bias, object stride, object padding,
                     int64_t pool, bint relu, object out, object where, int threads):
    cdef Array image, w, b, result, places
    cdef const Array *arrays[5]
    cdef nn_conv s
    cdef void *space
    _read(&image, x, "x", "f", 4, False)
    _read(&w, weight, "weight", "f", 4, False)
    _read(&result, out, "out", "f", 4, True)
    _fit(&s, &image, &w, stride, padding, pool, relu, &result, name)
    _read_vector(&b, bias, "bias", s.o, False)
    _read_places(&places, where, &result, 1 if where is None else pool, True)
    arrays[0], arrays[1], arrays[2], arrays[3], arrays[4] = &result, &places, &image, &w, &b
    _all_apart(arrays, ("out", "where", "x", "weight", "bias"), 2, 1)
    space = _borrow(nn_conv_forward_space(&s, threads))
    with nogil:
        nn_conv_forward(&s, <float *>image.data, <float *>w.data, <float *>b.data,
                        <float *>result.data, <uint8_t *>places.data, space, threads)
    nn_give_back(space)
    return out


def conv2d_forward(x, weight, bias, stride, padding, out, int threads):
    return _forward(
        "conv2d_forward", x, weight, bias, stride, padding, 1, False, out, None, threads)


def conv_relu_pool_forward(x, weight, bias, padding, int64_t pool, out, where, int threads):
    return _forward(
        "conv_relu_pool_forward", x, weight, bias, (1, 1), padding, pool, True, out, where, threads)


def conv2d_backward_weight(x, grad, stride, padding, out, int threads):
    cdef Array image, g, result
    cdef nn_conv s
    cdef void *space
    _read(&image, x, "x", "f", 4, False)
    _read(&g, grad, "grad", "f", 4, False)
    _read(&result, out, "out", "f", 4, True)
    _fit(&s, &image, &result, stride, padding, 1, False, &g, "conv2d_backward_weight")
    _apart(&result, &image, "x")
    _apart(&result, &g, "grad")
    space = _borrow(nn_conv_backward_space(&s, True, False, threads))
    with nogil:
        nn_conv_backward(&s, <float *>image.data, NULL, NULL, NULL, <float *>g.data,
                         <float *>result.data, NULL, NULL, space, threads)
    nn_give_back(space)
    return out


def conv2d_backward_input(grad, weight, stride, padding, out, int threads):
    cdef Array w, g, result
    cdef nn_conv s
    cdef void *space
    _read(&g, grad, "grad", "f", 4, False)
    _read(&w, weight, "weight", "f", 4, False)
    _read(&result, out, "out", "f", 4, True)
    _fit(&s, &result, &w, stride, padding, 1, False, &g, "conv2d_backward_input")
    _apart(&result, &w, "weight")
    _apart(&result, &g, "grad")
    space = _borrow(nn_conv_backward_space(&s, False, True, threads))
    with nogil:
        nn_conv_backward(&s, NULL, <float *>w.data, NULL, NULL, <float *>g.data, NULL, NULL,
                         <float *>result.data, space, threads)
    nn_give_back(space)
    return out


def conv2d_backward_bias(grad, out, int threads):
    cdef Array g, result
    _read(&g, grad, "grad", "f", 4, False)
    _read(&result, out, "out", "f", 1, True)
    if result.size != g.shape[1]:
        raise ValueError(
            f"conv2d_backward_bias: grad {_shape(&g)} and out {_shape(&result)} do not fit")
    _apart(&result, &g, "grad")
    with nogil:
        nn_conv_bias(<float *>g.data, g.shape[0], g.shape[1], g.shape[2] * g.shape[3],
                     <float *>result.data, threads)
    return out


def conv_relu_pool_backward(
    x, weight, out, where, grad, padding, int64_t pool, weight_grad, bias_grad, x_grad, int threads
):
    cdef Array image, w, y, places, g, dw, db, dx
    cdef const Array *arrays[8]
    cdef nn_conv s
    cdef void *space
    _read(&image, x, "x", "f", 4, False)
    _read(&w, weight, "weight", "f", 4, False)
    _read(&y, out, "out", "f", 4, False)
    _read(&g, grad, "grad", "f", 4, False)
    _read(&dw, weight_grad, "weight_grad", "f", 4, True)
    _fit(&s, &image, &w, (1, 1), padding, pool, True, &y, "conv_relu_pool_backward")
    _read_places(&places, where, &y, pool, False)
    _read_vector(&db, bias_grad, "bias_grad", s.o, True)
    dx.data = NULL
    dx.size = 0
    if x_grad is not None:
        _read(&dx, x_grad, "x_grad", "f", 4, True)
    if (not _same_shape(&g, &y) or not _same_shape(&dw, &w)
            or (x_grad is not None and not _same_shape(&dx, &image))):
        raise ValueError("conv_relu_pool_backward: a gradient has another shape than its array")
    arrays[0], arrays[1], arrays[2], arrays[3], arrays[4] = &dw, &db, &dx, &places, &image
    arrays[5], arrays[6], arrays[7] = &w, &y, &g
    _all_apart(
        arrays, ("weight_grad", "bias_grad", "x_grad", "where", "x", "weight", "out", "grad"), 3, 3)
    if pool > 1 and np.max(where, initial=0) >= pool * pool:
        raise ValueError(f"where holds places outside of a window of {pool} x {pool}")
    space = _borrow(nn_conv_backward_space(&s, True, x_grad is not None, threads))
    with nogil:
        nn_conv_backward(
            &s, <float *>image.data, <float *>w.data, <float *>y.data, <uint8_t *>places.data,
            <float *>g.data, <float *>dw.data, <float *>db.data, <float *>dx.data, space, threads)
    nn_give_back(space)
    return x_grad
