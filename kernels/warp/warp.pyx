# cython: language_level=3, binding=True
"""The compiled kernels that move pixels: functions of np_nn/reference/warp.py.

As in compiled.pyx, each takes one more argument, `threads`, which never changes a bit of the
result; and what does not fit raises ValueError before anything is changed. They round like
the reference but for the last bit of a float32, so that a pixel may differ by 1.
"""

import os

import numpy as np

from libc.stdint cimport int64_t, uint8_t
from libc.stdlib cimport free, malloc

cdef extern from "warp/warp.h" nogil:
    ctypedef struct nn_warp:
        int64_t count, height, width, modes
        const uint8_t *images
        const float *matrices
        const float *coefficients
        const float *basis_y
        const float *basis_x
        uint8_t *out
    const int NN_OPENMP, NN_MOMENTS, NN_MOST_SIDE, NN_MAX_THREADS
    const char *nn_warp_isa

    void nn_warp_select_isa()
    void nn_after_fork()
    void nn_set_work_per_thread(double)
    int64_t nn_warp_bytes(const nn_warp *, int)
    void nn_warp_images(const nn_warp *, void *, int)
    void nn_image_moments(const nn_warp *, int64_t *, int)


def _after_fork():
    nn_after_fork()


nn_warp_select_isa()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def instruction_set():
    """The one that runs: "avx2" or "baseline"."""
    return nn_warp_isa.decode()


def openmp():
    """Whether the kernels were built with OpenMP, and so can use more than one thread."""
    return bool(NN_OPENMP)


def set_work_per_thread(double multiplications):
    """For tests: from how much work on another thread is worth waking."""
    nn_set_work_per_thread(multiplications)


cdef size_t _address(object given, str name, object dtype, tuple shape, bint write) except? 0:
    """Where the numbers of a C-contiguous array of this dtype and shape are; -1: any size."""
    if isinstance(given, np.ndarray) and given.dtype == dtype and given.ndim == len(shape):
        flags = given.flags
        fits = all([want in (-1, got) for want, got in zip(shape, given.shape)])
        if fits and flags.c_contiguous and flags.aligned and (flags.writeable or not write):
            return given.ctypes.data
    got = type(given).__name__
    if isinstance(given, np.ndarray):
        got = f"{given.dtype} of shape {given.shape}"
        got += "" if given.flags.c_contiguous else ", not contiguous"
        got += "" if given.flags.writeable else ", read-only"
    sizes = ", ".join(["any" if size < 0 else str(size) for size in shape])
    raise ValueError(
        f"{name} must be a C-contiguous{' writable' if write else ''} {np.dtype(dtype)} array "
        f"of shape ({sizes}), got {got}")


cdef int _read_images(nn_warp *job, object images) except -1:
    job.images = <const uint8_t *>_address(images, "images", np.uint8, (-1, -1, -1), False)
    job.count, job.height, job.width = images.shape
    job.modes = 0
    if max(job.height, job.width) > NN_MOST_SIDE:
        raise ValueError(
            f"images must have at most {NN_MOST_SIDE} rows and columns, got {images.shape[1:]}")
    return 0


def image_moments(images, out, int threads):
    cdef nn_warp job
    cdef int64_t *sums
    _read_images(&job, images)
    sums = <int64_t *>_address(out, "out", np.int64, (job.count, NN_MOMENTS), True)
    with nogil:
        nn_image_moments(&job, sums, threads)
    return out


def warp_images(images, matrices, coefficients, basis_y, basis_x, out, int threads):
    cdef nn_warp job
    cdef void *work
    f = np.float32
    _read_images(&job, images)
    job.matrices = <const float *>_address(matrices, "matrices", f, (job.count, 2, 3), False)
    job.out = <uint8_t *>_address(out, "out", np.uint8, images.shape, True)
    if np.may_share_memory(images, out):
        raise ValueError("out must not share memory with images")
    if coefficients is not None:
        job.basis_y = <const float *>_address(basis_y, "basis_y", f, (job.height, -1), False)
        k = basis_y.shape[1]
        job.basis_x = <const float *>_address(basis_x, "basis_x", f, (job.width, k), False)
        job.coefficients = <const float *>_address(
            coefficients, "coefficients", f, (job.count, 2, k, k), False)
        job.modes = k
    if not images.size:
        return out
    threads = max(1, min(threads, NN_MAX_THREADS))
    work = malloc(nn_warp_bytes(&job, threads))
    if work == NULL:
        raise MemoryError("no work space to warp images")
    with nogil:
        nn_warp_images(&job, work, threads)
    free(work)
    return out
