# cython: language_level=3, binding=True
"""Compiled image moments and resampling, named like their references in reference/warp.py.

Each function takes the arguments of its reference and `threads`, the maximum number of threads,
which never changes a bit of the result. Invalid arrays raise ValueError before anything is changed.
Intermediate values may differ from the reference in the last bit of a float32, so a pixel may
differ by 1.
"""

include "common/arrays.pxi"

from libc.stdint cimport uint8_t

cdef extern from "warp/warp.h" nogil:
    ctypedef struct nn_warp:
        int64_t count, height, width, modes
        const uint8_t *images
        const float *matrices
        const float *coefficients
        const float *basis_y
        const float *basis_x
        uint8_t *out
    const int NN_MOMENTS, NN_MOST_SIDE, NN_MAX_THREADS

    int64_t nn_warp_bytes(const nn_warp *, int)
    void nn_warp_images(const nn_warp *, void *, int)
    void nn_image_moments(const nn_warp *, int64_t *, int)

include "common/extension.pxi"
include "common/workspace.pxi"

cdef extern from "common/dispatch.h" nogil:
    const char *nn_loops_name()


def instruction_set():
    """Return the set that the loops are compiled for: "avx2" or "baseline"."""
    return nn_loops_name().decode()


cdef void *_data(object given, str name, const char *format, tuple shape, bint write) except? NULL:
    """Return the address of the elements of an array that has this shape (-1: any size)."""
    cdef Array array
    _read_shape(&array, given, name, format, shape, write)
    return array.data


cdef int _read_images(nn_warp *job, object images) except -1:
    cdef Array array
    _read_shape(&array, images, "images", "B", (-1, -1, -1), False)
    job.images = <const uint8_t *>array.data
    job.count, job.height, job.width, job.modes = array.shape[0], array.shape[1], array.shape[2], 0
    if max(job.height, job.width) > NN_MOST_SIDE:
        raise ValueError(
            f"images must have at most {NN_MOST_SIDE} rows and columns, got {_shape(&array)[1:]}")
    return 0


def image_moments(images, out, int threads):
    cdef nn_warp job
    cdef int64_t *sums
    _read_images(&job, images)
    sums = <int64_t *>_data(out, "out", "l", (job.count, NN_MOMENTS), True)
    with nogil:
        nn_image_moments(&job, sums, threads)
    return out


def warp_images(images, matrices, coefficients, basis_y, basis_x, out, int threads):
    cdef nn_warp job
    cdef void *work
    _read_images(&job, images)
    job.matrices = <const float *>_data(matrices, "matrices", "f", (job.count, 2, 3), False)
    job.out = <uint8_t *>_data(
        out, "out", "B", (job.count, job.height, job.width), True)
    if np.may_share_memory(images, out):
        raise ValueError("out must not share memory with images")
    if coefficients is not None:
        job.basis_y = <const float *>_data(basis_y, "basis_y", "f", (job.height, -1), False)
        k = basis_y.shape[1]
        job.basis_x = <const float *>_data(basis_x, "basis_x", "f", (job.width, k), False)
        job.coefficients = <const float *>_data(
            coefficients, "coefficients", "f", (job.count, 2, k, k), False)
        job.modes = k
    if not job.count * job.height * job.width:
        return out
    threads = max(1, min(threads, NN_MAX_THREADS))
    work = _borrow(nn_warp_bytes(&job, threads))
    with nogil:
        nn_warp_images(&job, work, threads)
    nn_give_back(work)
    return out
