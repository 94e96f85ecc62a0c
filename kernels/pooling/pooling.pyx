# cython: language_level=3, binding=True
"""Compiled pooling, with the names of the functions in np_nn/reference/pooling.py.

Each function takes the arguments of its reference and `threads`, the maximum number of threads,
which never changes a bit of the result. Invalid arrays raise ValueError before anything is changed.
No output may share memory with an input.
"""

include "common/arrays.pxi"

from libc.stdint cimport uint8_t

cdef extern from "pooling/pooling.h" nogil:
    ctypedef struct nn_pool:
        int64_t planes, h, w, kh, kw, stride_h, stride_w, pad_h, pad_w, oh, ow
        bint pairs

    int64_t nn_pool_space(const nn_pool *, int)
    void nn_max_forward(const nn_pool *, const float *, float *, uint8_t *, void *, int)
    void nn_avg_forward(const nn_pool *, const float *, float *, void *, int)
    void nn_pool_backward(
        const nn_pool *, const float *, const uint8_t *, float *, void *, int)
    void nn_adaptive_forward(const nn_pool *, const float *, float *, void *, int)
    void nn_adaptive_backward(const nn_pool *, const float *, float *, void *, int)

include "common/extension.pxi"
include "common/workspace.pxi"
include "common/windows.pxi"

MOST_PLACES = 256  # positions in a window are bytes


cdef int _fit(nn_pool *s, const Array *x, object kernel, object stride, object padding,
              const Array *out, str name) except -1:
    """Fill in the sizes of a pooling, if x and the output fit together."""
    cdef bint fits
    s.planes, s.h, s.w = x.shape[0] * x.shape[1], x.shape[2], x.shape[3]
    s.kh, s.kw = _pair(kernel, "kernel", 1)
    s.stride_h, s.stride_w = _pair(stride, "stride", 1)
    s.pad_h, s.pad_w = _pair(padding, "padding", 0)
    if (<double>s.h + 2 * s.pad_h) * (<double>s.w + 2 * s.pad_w) >= 1 << 30:
        raise ValueError(f"{name}: x {_shape(x)} and padding {padding} are too large")
    fits = s.h > 0 and s.w > 0 and s.h + 2 * s.pad_h >= s.kh and s.w + 2 * s.pad_w >= s.kw
    if fits:
        s.oh = (s.h + 2 * s.pad_h - s.kh) // s.stride_h + 1
        s.ow = (s.w + 2 * s.pad_w - s.kw) // s.stride_w + 1
        fits = (out.shape[0], out.shape[1], out.shape[2], out.shape[3]) == (
            x.shape[0], x.shape[1], s.oh, s.ow)
    if not fits:
        raise ValueError(
            f"{name}: images {_shape(x)}, kernel {kernel}, stride {stride}, padding {padding} and "
            f"an output {_shape(out)} do not fit")
    if s.oh == 1:  # the stride is not used
        s.stride_h = 1
    if s.ow == 1:
        s.stride_w = 1
    s.pairs = (s.kh == s.kw == s.stride_h == s.stride_w == 2) and not (s.pad_h or s.pad_w)
    return 0


cdef int _read_places(Array *array, object given, const nn_pool *s, const Array *out,
                      bint write) except -1:
    """Read `where`, which has out's shape."""
    _read(array, given, "where", "B", 4, write)
    if not _same_shape(array, out):
        raise ValueError(f"where {_shape(array)} does not fit an output {_shape(out)}")
    if s.kh * s.kw > MOST_PLACES:
        raise ValueError(f"a window may have {MOST_PLACES} places at most, got {s.kh} x {s.kw}")
    return 0


def max_pool2d_forward(x, kernel, stride, padding, out, where, int threads):
    cdef Array image, result, places
    cdef const Array *arrays[3]
    cdef nn_pool s
    cdef void *space
    _read(&image, x, "x", "f", 4, False)
    _read(&result, out, "out", "f", 4, True)
    _fit(&s, &image, kernel, stride, padding, &result, "max_pool2d_forward")
    _read_places(&places, where, &s, &result, True)
    arrays[0], arrays[1], arrays[2] = &result, &places, &image
    _all_apart(arrays, ("out", "where", "x"), 2, 1)
    space = _borrow(nn_pool_space(&s, threads))
    with nogil:
        nn_max_forward(&s, <float *>image.data, <float *>result.data, <uint8_t *>places.data,
                       space, threads)
    nn_give_back(space)
    return out


def max_pool2d_backward(grad, where, kernel, stride, padding, out, int threads):
    cdef Array g, result, places
    cdef const Array *arrays[3]
    cdef nn_pool s
    cdef void *space
    _read(&g, grad, "grad", "f", 4, False)
    _read(&result, out, "out", "f", 4, True)
    _fit(&s, &result, kernel, stride, padding, &g, "max_pool2d_backward")
    _read_places(&places, where, &s, &g, False)
    arrays[0], arrays[1], arrays[2] = &result, &places, &g
    _all_apart(arrays, ("out", "where", "grad"), 1, 1)
    if np.max(where, initial=0) >= s.kh * s.kw:
        raise ValueError(f"where holds places outside of a window of {s.kh} x {s.kw}")
    space = _borrow(nn_pool_space(&s, threads))
    with nogil:
        nn_pool_backward(&s, <float *>g.data, <uint8_t *>places.data, <float *>result.data, space,
                         threads)
    nn_give_back(space)
    return out


def avg_pool2d_forward(x, kernel, stride, padding, out, int threads):
    cdef Array image, result
    cdef nn_pool s
    cdef void *space
    _read(&image, x, "x", "f", 4, False)
    _read(&result, out, "out", "f", 4, True)
    _fit(&s, &image, kernel, stride, padding, &result, "avg_pool2d_forward")
    _apart(&result, &image, "x")
    space = _borrow(nn_pool_space(&s, threads))
    with nogil:
        if s.kh == s.h and s.kw == s.w and not (s.pad_h or s.pad_w):  # the whole image
            nn_adaptive_forward(&s, <float *>image.data, <float *>result.data, space, threads)
        else:
            nn_avg_forward(&s, <float *>image.data, <float *>result.data, space, threads)
    nn_give_back(space)
    return out


def avg_pool2d_backward(grad, kernel, stride, padding, out, int threads):
    cdef Array g, result
    cdef nn_pool s
    cdef void *space
    _read(&g, grad, "grad", "f", 4, False)
    _read(&result, out, "out", "f", 4, True)
    _fit(&s, &result, kernel, stride, padding, &g, "avg_pool2d_backward")
    _apart(&result, &g, "grad")
    space = _borrow(nn_pool_space(&s, threads))
    with nogil:
        if s.kh == s.h and s.kw == s.w and not (s.pad_h or s.pad_w):
            nn_adaptive_backward(&s, <float *>g.data, <float *>result.data, space, threads)
        else:
            nn_pool_backward(&s, <float *>g.data, NULL, <float *>result.data, space, threads)
    nn_give_back(space)
    return out


cdef int _fit_adaptive(nn_pool *s, const Array *x, const Array *out, str name) except -1:
    """As _fit, for adaptive windows, whose size follows from the output's shape."""
    s.planes, s.h, s.w = x.shape[0] * x.shape[1], x.shape[2], x.shape[3]
    s.oh, s.ow = out.shape[2], out.shape[3]
    s.kh = s.kw = s.stride_h = s.stride_w = 1
    s.pad_h = s.pad_w = 0
    s.pairs = False
    if (x.shape[0], x.shape[1]) != (out.shape[0], out.shape[1]) or not (
            0 < s.h <= MOST and 0 < s.w <= MOST and 0 < s.oh <= MOST and 0 < s.ow <= MOST):
        raise ValueError(
            f"{name}: images {_shape(x)} and an output {_shape(out)} do not fit")
    _apart(out, x, "x")
    return 0


def adaptive_avg_pool2d_forward(x, out, int threads):
    cdef Array image, result
    cdef nn_pool s
    cdef void *space
    _read(&image, x, "x", "f", 4, False)
    _read(&result, out, "out", "f", 4, True)
    _fit_adaptive(&s, &image, &result, "adaptive_avg_pool2d_forward")
    space = _borrow(nn_pool_space(&s, threads))
    with nogil:
        nn_adaptive_forward(&s, <float *>image.data, <float *>result.data, space, threads)
    nn_give_back(space)
    return out


def adaptive_avg_pool2d_backward(grad, out, int threads):
    cdef Array g, result
    cdef nn_pool s
    cdef void *space
    _read(&g, grad, "grad", "f", 4, False)
    _read(&result, out, "out", "f", 4, True)
    _fit_adaptive(&s, &result, &g, "adaptive_avg_pool2d_backward")
    space = _borrow(nn_pool_space(&s, threads))
    with nogil:
        nn_adaptive_backward(&s, <float *>g.data, <float *>result.data, space, threads)
    nn_give_back(space)
    return out
