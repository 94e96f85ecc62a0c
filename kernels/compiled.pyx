# cython: language_level=3, binding=True
"""The compiled kernels: functions of np_nn/reference/ under their own names.

Each takes the arguments of its reference, which says what it computes, and one more:
`threads`, how many it may use. The number of threads never changes a bit of the result.
This file checks what it is given and calls the C loops in the headers beside it; what
does not fit (another dtype, not contiguous, shapes that do not belong together, an index
out of range) raises ValueError before anything is changed.

Where they differ from the reference, beside rounding: indices and labels must not be
negative; the products that read compressed rows skip zero pixels, so that 0 times
infinity is 0 and not NaN there; and optimizers take numbers below 1e-38 for 0. `scratch`
is ignored.

All kernels are one extension because the headers take long to compile.
"""

import os

import numpy as np

from cpython.buffer cimport (
    PyBUF_C_CONTIGUOUS, PyBUF_FORMAT, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer,
)
from libc.stdint cimport int64_t, uint8_t, uint16_t
from libc.stdlib cimport free, malloc

# The one thing of np_nn that a kernel knows: the type that ``compress`` returns.
from np_nn.reference import Rows

cdef extern from "mlp.h" nogil:
    ctypedef struct nn_rows:
        const int64_t *indptr
        const uint16_t *cols
        const uint8_t *vals
        const float *table
        int64_t width
    ctypedef struct nn_optimizer:
        int kind
    ctypedef struct nn_layer:
        int64_t ins "in", out, ld
        float *w
        float *m_w
        float *v_w
        float *bias
        float *m_bias
        float *v_bias
    ctypedef struct nn_mlp_run:
        const nn_rows *x
        const int64_t *labels
        const int64_t *index
        int64_t count, steps
        double smoothing
        const double *rates
        double *losses
        int64_t *correct
    const int NN_OPENMP, NN_MAX_LAYERS

    void nn_select_isa()
    const char *nn_isa_name()
    void nn_after_fork()
    void nn_set_work_per_thread(double)

    nn_optimizer nn_store()
    nn_optimizer nn_sgd(double, double, int)
    nn_optimizer nn_adam(double, double, double, double, int, int64_t)
    void nn_begin_step(nn_optimizer *, double)

    int64_t nn_find_bad_row(const nn_rows *, int64_t, int64_t, const int64_t *, int64_t, int64_t *)
    int64_t nn_find_outside(const int64_t *, int64_t, int64_t)
    int64_t nn_packed_bytes(int64_t, int64_t, int64_t)
    int64_t nn_columns_bytes(int64_t, int64_t, int64_t)
    int64_t nn_transposed_floats(int64_t, int64_t, int)
    char *nn_align(void *)

    void nn_count_pixels(const uint8_t *, int64_t, int64_t, int64_t *, int)
    void nn_compress(const uint8_t *, int64_t, int64_t, const int64_t *, uint16_t *, uint8_t *, int)
    void nn_sparse_linear_forward(
        const nn_rows *, const int64_t *, int64_t, int64_t, const float *, int64_t, const float *,
        int64_t, float *, int64_t, float *, int)
    void nn_sparse_linear_update(
        const nn_rows *, const int64_t *, int64_t, int64_t, const float *, int64_t, int64_t,
        const nn_optimizer *, float *, float *, float *, int64_t, void *, float *, int)
    void nn_linear_forward(
        const float *, int64_t, const float *, int64_t, const float *, int64_t, int64_t, int64_t,
        float *, int64_t, float *, int)
    void nn_linear_update(
        const float *, int64_t, const float *, int64_t, int64_t, int64_t, int64_t,
        const nn_optimizer *, float *, float *, float *, int64_t, float *, int)
    void nn_bias_update(
        const float *, int64_t, int64_t, int64_t, const nn_optimizer *, float *, float *, float *,
        int)
    void nn_linear_backward_input(
        const float *, int64_t, const float *, int64_t, int64_t, int64_t, int64_t, float *, int64_t,
        float *, int)
    double nn_cross_entropy(
        const float *, const int64_t *, int64_t, int64_t, double, float *, float *, int)
    void nn_optimizer_step(
        const nn_optimizer *, int64_t, const float *, float *, float *, float *, int)
    void nn_gather(
        const uint8_t *, const float *, const int64_t *, int64_t, int64_t, double, float *, int)
    void nn_relu(int64_t, const float *, const float *, float *, int)

    int64_t nn_mlp_bytes(const nn_rows *, const nn_layer *, int, int64_t, int64_t, int)
    void nn_mlp_train(
        const nn_mlp_run *, nn_layer *, int, const nn_optimizer *, int64_t, void *, int)


def _after_fork():
    nn_after_fork()


nn_select_isa()
if hasattr(os, "register_at_fork"):
    # An OpenMP runtime's threads do not survive fork: one thread serves in the child.
    os.register_at_fork(after_in_child=_after_fork)


def isa():
    """The instruction set that runs: "avx512", "avx2" or "baseline"."""
    return nn_isa_name().decode()


def openmp():
    """Whether the kernels were built with OpenMP, and so can use more than one thread."""
    return bool(NN_OPENMP)


def set_work_per_thread(double multiplications):
    """For tests: from how much work on another thread is worth waking."""
    nn_set_work_per_thread(multiplications)


# ---- What is given --------------------------------------------------------------------------

DEF MOST_AXES = 64

cdef struct Array:
    void *data
    int axes
    int64_t size
    int64_t shape[MOST_AXES]


cdef bint _is_format(const char *given, const char *wanted, Py_ssize_t itemsize) noexcept:
    """wanted: "l" for int64, whatever C type that is here, else the buffer protocol's letter."""
    if given == NULL or given[0] == 0 or given[1] != 0:
        return False
    if wanted[0] == c"l":
        return itemsize == 8 and (given[0] == c"l" or given[0] == c"q")
    return given[0] == wanted[0]


cdef int _read(Array *array, object given, str name, const char *format, int axes, bint write) except -1:
    """Look at an array that must be C-contiguous, of one dtype and so many axes (-1: any).

    The pointer is good as long as the caller holds `given`: an array that others hold
    cannot be resized.
    """
    cdef Py_buffer buffer
    cdef int axis
    cdef bint fits
    try:
        PyObject_GetBuffer(
            given, &buffer, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT | (PyBUF_WRITABLE if write else 0))
    except (TypeError, ValueError, BufferError):
        raise _misfit(given, name, format, axes, write) from None
    fits = _is_format(buffer.format, format, buffer.itemsize) and buffer.ndim <= MOST_AXES
    if fits and (axes < 0 or buffer.ndim == axes):
        array.data = buffer.buf
        array.axes = buffer.ndim
        array.size = buffer.len // buffer.itemsize
        for axis in range(buffer.ndim):
            array.shape[axis] = buffer.shape[axis]
    else:
        fits = False
    PyBuffer_Release(&buffer)
    if not fits:
        raise _misfit(given, name, format, axes, write)
    return 0


cdef object _misfit(object given, str name, const char *format, int axes, bint write):
    dtype = {b"f": "float32", b"d": "float64", b"l": "int64", b"H": "uint16", b"B": "uint8"}[format]
    wanted = f"a C-contiguous{' writable' if write else ''} {dtype} array"
    if axes >= 0:
        wanted += f" of {axes} dimension{'' if axes == 1 else 's'}"
    got = type(given).__name__
    if isinstance(given, np.ndarray):
        got = f"{given.dtype} of shape {given.shape}"
        got += "" if given.flags.c_contiguous else ", not contiguous"
        got += "" if given.flags.writeable else ", read-only"
    return ValueError(f"{name} must be {wanted}, got {got}")


cdef bint _same_shape(const Array *a, const Array *b) noexcept:
    cdef int axis
    if a.axes != b.axes:
        return False
    for axis in range(a.axes):
        if a.shape[axis] != b.shape[axis]:
            return False
    return True


cdef object _shape(const Array *a):
    return tuple([a.shape[axis] for axis in range(a.axes)])


cdef object _int64(object given, str name):
    """Integers of any size as contiguous int64; itself if that is what they are."""
    array = np.asarray(given)
    if array.dtype.kind not in "iu":
        raise ValueError(f"{name} must be integers, got {array.dtype}")
    return np.ascontiguousarray(array, np.int64)


cdef int _apart(const Array *out, const Array *other, str name) except -1:
    """A product reads its operands again and again: it must not write over them."""
    if (<char *>out.data < <char *>other.data + other.size * 4
            and <char *>other.data < <char *>out.data + out.size * 4):
        raise ValueError(f"out must not share memory with {name}")
    return 0


cdef struct Compressed:
    nn_rows x
    float table[256]
    int64_t count, entries


cdef int _read_rows(Compressed *c, object rows, double scale) except -1:
    cdef Array indptr, columns, values
    cdef int value
    try:
        given_indptr, given_columns, given_values, width = rows
    except (TypeError, ValueError):
        raise ValueError(f"rows must be Rows, got {type(rows).__name__}") from None
    _read(&indptr, given_indptr, "rows.indptr", "l", 1, False)
    _read(&columns, given_columns, "rows.columns", "H", 1, False)
    _read(&values, given_values, "rows.values", "B", 1, False)
    if indptr.size < 1 or columns.size != values.size or not 0 <= width <= 65536:
        raise ValueError(
            f"rows do not fit: indptr ({indptr.size},), columns ({columns.size},), "
            f"values ({values.size},), width {width}")
    c.x.indptr = <const int64_t *>indptr.data
    c.x.cols = <const uint16_t *>columns.data
    c.x.vals = <const uint8_t *>values.data
    c.x.width = width
    c.x.table = c.table
    c.count = indptr.size - 1
    c.entries = columns.size
    for value in range(256):
        c.table[value] = <float>value * <float>scale
    return 0


cdef int64_t _count_entries(Compressed *c, const int64_t *index, int64_t count) except -1:
    """The non-zeros of these images; all that the index leads to is inside the arrays."""
    cdef int64_t total = 0, bad
    with nogil:
        bad = nn_find_bad_row(&c.x, c.count, c.entries, index, count, &total)
    if bad < 0:
        return total
    if 0 <= index[bad] < c.count:
        raise ValueError(
            f"rows do not fit: image {index[bad]} has columns or bounds outside "
            f"width {c.x.width} or the {c.entries} entries")
    raise ValueError(f"indices must be 0..{c.count - 1}, got {index[bad]}")


# ---- Work space -----------------------------------------------------------------------------
#
# One block per process that grows and stays, so that a call costs no page faults. Whoever
# comes while it is lent (another thread, while this one works without the GIL) gets a block
# of its own.

cdef void *_space = NULL
cdef size_t _space_bytes = 0
cdef bint _lent = False


cdef void *_borrow(int64_t bytes) except NULL:
    global _space, _space_bytes, _lent
    cdef void *block
    cdef size_t wanted = <size_t>bytes + 64
    if not _lent and wanted <= _space_bytes:
        _lent = True
        return _space
    block = malloc(wanted)
    if block == NULL:
        raise MemoryError(f"no {wanted} bytes of work space")
    if not _lent:
        free(_space)
        _space, _space_bytes, _lent = block, wanted, True
    return block


cdef void _give_back(void *block) noexcept:
    global _lent
    if block == _space:
        _lent = False
    else:
        free(block)


# ---- Layers ---------------------------------------------------------------------------------


def gather(images, indices, double scale, out, int threads):
    cdef Array source, index, batch
    cdef int64_t bad, width = 1
    cdef int axis
    cdef bint floats = getattr(images, "dtype", None) == np.float32
    numbers = _int64(indices, "indices")
    _read(&source, images, "images", "f" if floats else "B", -1, False)
    _read(&index, numbers, "indices", "l", 1, False)
    _read(&batch, out, "out", "f", -1, True)
    if source.axes < 1 or images.shape[1:] != out.shape[1:] or batch.shape[0] != index.size:
        raise ValueError(
            f"gather: images {images.shape}, {index.size} indices and out {out.shape} do not fit")
    for axis in range(1, source.axes):
        width *= source.shape[axis]
    if floats:
        _apart(&batch, &source, "images")
    bad = nn_find_outside(<const int64_t *>index.data, index.size, source.shape[0])
    if bad >= 0:
        raise ValueError(f"indices must be 0..{source.shape[0] - 1}, got {numbers[bad]}")
    with nogil:
        nn_gather(
            NULL if floats else <uint8_t *>source.data, <float *>source.data if floats else NULL,
            <const int64_t *>index.data, index.size, width, scale, <float *>batch.data, threads)
    return out


def linear_forward(x, weight, bias, out, int threads):
    cdef Array a, w, b, y
    cdef int64_t bytes
    cdef void *work = NULL
    _read(&a, x, "x", "f", 2, False)
    _read(&w, weight, "weight", "f", 2, False)
    _read(&y, out, "out", "f", 2, True)
    b.data = NULL
    if bias is not None:
        _read(&b, bias, "bias", "f", 1, False)
    if (a.shape[1] != w.shape[0] or y.shape[0] != a.shape[0] or y.shape[1] != w.shape[1]
            or (b.data != NULL and b.shape[0] != w.shape[1])):
        raise ValueError(
            f"linear_forward: x {_shape(&a)}, weight {_shape(&w)}, "
            f"bias {None if bias is None else bias.shape} and out {_shape(&y)} do not fit")
    _apart(&y, &a, "x")
    _apart(&y, &w, "weight")
    bytes = nn_packed_bytes(w.shape[0], w.shape[1], a.shape[0])
    if bytes:
        work = _borrow(bytes)
    with nogil:
        nn_linear_forward(
            <float *>a.data, a.shape[1], <float *>w.data, w.shape[1], <float *>b.data, a.shape[0],
            a.shape[1], w.shape[1], <float *>y.data, w.shape[1],
            <float *>nn_align(work) if work != NULL else NULL, threads)
    if work != NULL:
        _give_back(work)
    return out


def linear_backward_weight(x, grad, out, int threads):
    cdef Array a, g, dw
    cdef nn_optimizer store = nn_store()
    cdef int64_t bytes
    cdef void *work = NULL
    _read(&a, x, "x", "f", 2, False)
    _read(&g, grad, "grad", "f", 2, False)
    _read(&dw, out, "out", "f", 2, True)
    if a.shape[0] != g.shape[0] or dw.shape[0] != a.shape[1] or dw.shape[1] != g.shape[1]:
        raise ValueError(
            f"linear_backward_weight: x {_shape(&a)}, grad {_shape(&g)} and out {_shape(&dw)} "
            "do not fit")
    _apart(&dw, &a, "x")
    _apart(&dw, &g, "grad")
    bytes = nn_packed_bytes(g.shape[0], g.shape[1], a.shape[1])
    if bytes:
        work = _borrow(bytes)
    with nogil:
        nn_linear_update(
            <float *>a.data, a.shape[1], <float *>g.data, g.shape[1], a.shape[0], a.shape[1],
            g.shape[1], &store, <float *>dw.data, NULL, NULL, g.shape[1],
            <float *>nn_align(work) if work != NULL else NULL, threads)
    if work != NULL:
        _give_back(work)
    return out


def linear_backward_bias(grad, out, int threads):
    cdef Array g, db
    cdef nn_optimizer store = nn_store()
    _read(&g, grad, "grad", "f", 2, False)
    _read(&db, out, "out", "f", 1, True)
    if db.shape[0] != g.shape[1]:
        raise ValueError(f"linear_backward_bias: grad {_shape(&g)} and out {_shape(&db)} do not fit")
    _apart(&db, &g, "grad")
    with nogil:
        nn_bias_update(
            <float *>g.data, g.shape[1], g.shape[0], g.shape[1], &store, <float *>db.data, NULL,
            NULL, threads)
    return out


def linear_backward_input(grad, weight, out, int threads):
    cdef Array g, w, dx
    cdef void *work
    _read(&g, grad, "grad", "f", 2, False)
    _read(&w, weight, "weight", "f", 2, False)
    _read(&dx, out, "out", "f", 2, True)
    if g.shape[1] != w.shape[1] or dx.shape[0] != g.shape[0] or dx.shape[1] != w.shape[0]:
        raise ValueError(
            f"linear_backward_input: grad {_shape(&g)}, weight {_shape(&w)} and out {_shape(&dx)} "
            "do not fit")
    _apart(&dx, &g, "grad")
    _apart(&dx, &w, "weight")
    threads = max(1, min(threads, 256))
    work = _borrow(4 * nn_transposed_floats(w.shape[0], w.shape[1], threads))
    with nogil:
        nn_linear_backward_input(
            <float *>g.data, g.shape[1], <float *>w.data, w.shape[1], g.shape[0], w.shape[0],
            w.shape[1], <float *>dx.data, w.shape[0], <float *>nn_align(work), threads)
    _give_back(work)
    return out


def relu_forward(x, out, int threads):
    cdef Array a, y
    _read(&a, x, "x", "f", -1, False)
    _read(&y, out, "out", "f", -1, True)
    if not _same_shape(&a, &y):
        raise ValueError(f"relu_forward: x {_shape(&a)} and out {_shape(&y)} do not fit")
    with nogil:
        nn_relu(a.size, NULL, <float *>a.data, <float *>y.data, threads)
    return out


def relu_backward(grad, y, out, int threads):
    cdef Array g, a, dx
    _read(&g, grad, "grad", "f", -1, False)
    _read(&a, y, "y", "f", -1, False)
    _read(&dx, out, "out", "f", -1, True)
    if not _same_shape(&g, &a) or not _same_shape(&g, &dx):
        raise ValueError(
            f"relu_backward: grad {_shape(&g)}, y {_shape(&a)} and out {_shape(&dx)} do not fit")
    with nogil:
        nn_relu(g.size, <float *>g.data, <float *>a.data, <float *>dx.data, threads)
    return out


def cross_entropy(logits, labels, double smoothing, grad, int threads):
    cdef Array z, y, g
    cdef int64_t bad
    cdef double loss
    cdef void *work
    numbers = _int64(labels, "labels")
    _read(&z, logits, "logits", "f", 2, False)
    _read(&y, numbers, "labels", "l", 1, False)
    _read(&g, grad, "grad", "f", 2, True)
    if not _same_shape(&z, &g) or y.size != z.shape[0] or z.size == 0:
        raise ValueError(
            f"cross_entropy: logits {_shape(&z)}, {y.size} labels and grad {_shape(&g)} do not fit")
    bad = nn_find_outside(<const int64_t *>y.data, y.size, z.shape[1])
    if bad >= 0:
        raise ValueError(f"labels must be 0..{z.shape[1] - 1}, got {numbers[bad]}")
    work = _borrow(4 * y.size)
    with nogil:
        loss = nn_cross_entropy(
            <float *>z.data, <const int64_t *>y.data, z.shape[0], z.shape[1], smoothing,
            <float *>work, <float *>g.data, threads)
    _give_back(work)
    return loss


# ---- Optimizers -----------------------------------------------------------------------------


cdef int _step(
    nn_optimizer *optimizer, double lr, object weight, object grad, object first, object second,
    int threads,
) except -1:
    cdef Array w, g, m, v
    _read(&w, weight, "weight", "f", -1, True)
    _read(&g, grad, "grad", "f", -1, False)
    m.data = v.data = NULL
    if first is not None:
        _read(&m, first, "the first moment", "f", -1, True)
    if second is not None:
        _read(&v, second, "the second moment", "f", -1, True)
    if (not _same_shape(&w, &g) or (m.data != NULL and not _same_shape(&w, &m))
            or (v.data != NULL and not _same_shape(&w, &v))):
        raise ValueError(
            f"weight {_shape(&w)}, grad {_shape(&g)} and the optimizer's moments must have one shape")
    nn_begin_step(optimizer, lr)
    with nogil:
        nn_optimizer_step(
            optimizer, w.size, <float *>g.data, <float *>w.data, <float *>m.data, <float *>v.data,
            threads)
    return 0


def sgd_step(
    weight, grad, velocity, scratch, double lr, double momentum, double weight_decay,
    bint nesterov, int threads,
):
    cdef nn_optimizer optimizer = nn_sgd(momentum, weight_decay, nesterov)
    if momentum and velocity is None:
        raise ValueError("sgd_step: momentum needs a velocity")
    _step(&optimizer, lr, weight, grad, velocity if momentum else None, None, threads)


def adam_step(
    weight, grad, mean, square, scratch, int64_t step, double lr, double beta1, double beta2,
    double eps, double weight_decay, bint decoupled, int threads,
):
    cdef nn_optimizer optimizer = nn_adam(beta1, beta2, eps, weight_decay, decoupled, step - 1)
    if mean is None or square is None:
        raise ValueError("adam_step: mean and square must be arrays")
    _step(&optimizer, lr, weight, grad, mean, square, threads)


# ---- Compressed rows ------------------------------------------------------------------------


def compress(images, int threads):
    cdef Array source, indptr, columns, values
    _read(&source, images, "images", "B", 2, False)
    if source.shape[1] > 65536:
        raise ValueError(f"compress: at most 65,536 pixels, got {source.shape[1]}")
    bounds = np.zeros(source.shape[0] + 1, np.int64)
    _read(&indptr, bounds, "indptr", "l", 1, True)
    with nogil:
        nn_count_pixels(
            <const uint8_t *>source.data, source.shape[0], source.shape[1],
            <int64_t *>indptr.data, threads)
    np.cumsum(bounds, out=bounds)
    filled, shades = np.empty(bounds[-1], np.uint16), np.empty(bounds[-1], np.uint8)
    _read(&columns, filled, "columns", "H", 1, True)
    _read(&values, shades, "values", "B", 1, True)
    with nogil:
        nn_compress(
            <const uint8_t *>source.data, source.shape[0], source.shape[1],
            <const int64_t *>indptr.data, <uint16_t *>columns.data, <uint8_t *>values.data, threads)
    return Rows(bounds, filled, shades, images.shape[1])


def sparse_linear_forward(rows, indices, double scale, weight, bias, out, int threads):
    cdef Compressed c
    cdef Array index, w, b, y
    cdef int64_t entries, bytes
    cdef void *work = NULL
    numbers = _int64(indices, "indices")
    _read_rows(&c, rows, scale)
    _read(&index, numbers, "indices", "l", 1, False)
    _read(&w, weight, "weight", "f", 2, False)
    _read(&y, out, "out", "f", 2, True)
    b.data = NULL
    if bias is not None:
        _read(&b, bias, "bias", "f", 1, False)
    if (c.x.width != w.shape[0] or y.shape[0] != index.size or y.shape[1] != w.shape[1]
            or (b.data != NULL and b.shape[0] != w.shape[1])):
        raise ValueError(
            f"sparse_linear_forward: rows of width {c.x.width}, {index.size} indices, "
            f"weight {_shape(&w)}, bias {None if bias is None else bias.shape} "
            f"and out {_shape(&y)} do not fit")
    _apart(&y, &w, "weight")
    entries = _count_entries(&c, <const int64_t *>index.data, index.size)
    bytes = nn_packed_bytes(w.shape[0], w.shape[1], index.size)
    if bytes:
        work = _borrow(bytes)
    with nogil:
        nn_sparse_linear_forward(
            &c.x, <const int64_t *>index.data, index.size, entries, <float *>w.data, w.shape[1],
            <float *>b.data, w.shape[1], <float *>y.data, w.shape[1],
            <float *>nn_align(work) if work != NULL else NULL, threads)
    if work != NULL:
        _give_back(work)
    return out


def sparse_linear_backward_weight(rows, indices, double scale, grad, out, int threads):
    cdef Compressed c
    cdef Array index, g, dw
    cdef nn_optimizer store = nn_store()
    cdef int64_t entries, bytes, packed
    cdef char *work
    numbers = _int64(indices, "indices")
    _read_rows(&c, rows, scale)
    _read(&index, numbers, "indices", "l", 1, False)
    _read(&g, grad, "grad", "f", 2, False)
    _read(&dw, out, "out", "f", 2, True)
    if g.shape[0] != index.size or dw.shape[0] != c.x.width or dw.shape[1] != g.shape[1]:
        raise ValueError(
            f"sparse_linear_backward_weight: rows of width {c.x.width}, {index.size} indices, "
            f"grad {_shape(&g)} and out {_shape(&dw)} do not fit")
    _apart(&dw, &g, "grad")
    entries = _count_entries(&c, <const int64_t *>index.data, index.size)
    packed = nn_packed_bytes(g.shape[0], g.shape[1], entries // (index.size + 1))
    bytes = nn_columns_bytes(index.size, c.x.width, entries)
    work = <char *>_borrow(packed + bytes)
    with nogil:
        nn_sparse_linear_update(
            &c.x, <const int64_t *>index.data, index.size, entries, <float *>g.data, g.shape[1],
            g.shape[1], &store, <float *>dw.data, NULL, NULL, g.shape[1], work + packed,
            <float *>nn_align(work) if packed else NULL, threads)
    _give_back(work)
    return out


# ---- Whole steps ----------------------------------------------------------------------------


cdef int _read_parameter(
    float **data, float **first, float **second, object given, object moments, str name, int axes,
    int64_t rows, int64_t columns, int wanted,
) except -1:
    """A weight (I, O) or bias (O,) and the moments that the rule wants. columns -1: any."""
    cdef Array a, m
    _read(&a, given, name, "f", axes, True)
    if a.shape[axes - 1] != (columns if columns >= 0 else a.shape[axes - 1]) or (
            axes == 2 and a.shape[0] != rows):
        raise ValueError(
            f"{name} must have shape "
            f"{(rows, '...' if columns < 0 else columns) if axes == 2 else (columns,)}, "
            f"got {_shape(&a)}")
    data[0] = <float *>a.data
    if len(moments) < wanted:
        raise ValueError(f"{name} needs {wanted} moment(s) for this rule, got {len(moments)}")
    for i in range(wanted):
        _read(&m, moments[i], f"moment {i} of {name}", "f", axes, True)
        if not _same_shape(&a, &m):
            raise ValueError(f"moment {i} of {name} must have shape {_shape(&a)}, got {_shape(&m)}")
        if i == 0:
            first[0] = <float *>m.data
        else:
            second[0] = <float *>m.data
    return 0


cdef int _read_layers(nn_layer *layers, object given, int64_t width, int wanted) except -1:
    """The caller's layers, from `width` inputs to the classes; returns how many."""
    cdef Array w
    cdef nn_layer *layer
    cdef int depth = len(given)
    if not 1 <= depth <= NN_MAX_LAYERS:
        raise ValueError(f"mlp_steps takes 1 to {NN_MAX_LAYERS} layers, got {depth}")
    places = set()
    for i in range(depth):
        try:
            weight, bias, weight_moments, bias_moments = given[i]
        except (TypeError, ValueError):
            raise ValueError(f"layer {i} must be a Dense, got {type(given[i]).__name__}") from None
        layer = &layers[i]
        layer.m_w = layer.v_w = layer.bias = layer.m_bias = layer.v_bias = NULL
        _read(&w, weight, f"weight of layer {i}", "f", 2, True)
        layer.ins, layer.out = width, w.shape[1]
        layer.ld = layer.out
        if layer.out < 1:
            raise ValueError(f"layer {i} has no outputs")
        _read_parameter(
            &layer.w, &layer.m_w, &layer.v_w, weight, weight_moments, f"weight of layer {i}", 2,
            width, -1, wanted)
        if bias is not None:
            _read_parameter(
                &layer.bias, &layer.m_bias, &layer.v_bias, bias, bias_moments, f"bias of layer {i}",
                1, 1, layer.out, wanted)
        for address in (
            <size_t>layer.w, <size_t>layer.m_w, <size_t>layer.v_w, <size_t>layer.bias,
            <size_t>layer.m_bias, <size_t>layer.v_bias,
        ):
            if address in places:
                raise ValueError(f"layer {i} shares an array with another parameter")
            if address:
                places.add(address)
        width = layer.out
    return depth


def mlp_steps(
    rows, labels, batches, double scale, layers, double smoothing, rule, rates, int64_t step,
    settings, int threads,
):
    cdef Compressed c
    cdef Array y, index, lr, losses, correct
    cdef nn_layer layer[32]
    cdef nn_mlp_run run
    cdef nn_optimizer optimizer
    cdef const int64_t *batch
    cdef int64_t classes, label, k, i, most = 0
    cdef int depth, wanted
    cdef void *work

    if rule == "adam":
        beta1, beta2, eps, weight_decay, decoupled = settings
        optimizer = nn_adam(beta1, beta2, eps, weight_decay, decoupled, step)
        wanted = 2
    elif rule == "sgd":
        momentum, weight_decay, nesterov = settings
        optimizer = nn_sgd(momentum, weight_decay, nesterov)
        wanted = 1 if momentum else 0
    else:
        raise ValueError(f"rule must be 'sgd' or 'adam', got {rule!r}")

    numbers, targets = _int64(batches, "batches"), _int64(labels, "labels")
    rates = np.ascontiguousarray(rates, np.float64)
    _read_rows(&c, rows, scale)
    _read(&y, targets, "labels", "l", 1, False)
    _read(&index, numbers, "batches", "l", 2, False)
    _read(&lr, rates, "rates", "d", 1, False)
    if y.size != c.count or lr.size != index.shape[0]:
        raise ValueError(
            f"mlp_steps: {c.count} images, {y.size} labels, batches {_shape(&index)} "
            f"and {lr.size} rates do not fit")
    depth = _read_layers(layer, layers, c.x.width, wanted)
    results = np.empty(index.shape[0], np.float64), np.empty(index.shape[0], np.int64)
    if not index.shape[0]:
        return results
    if not index.shape[1]:
        raise ValueError("mlp_steps: a batch must have at least one image")

    batch = <const int64_t *>index.data
    for k in range(index.shape[0]):
        most = max(most, _count_entries(&c, batch, index.shape[1]))
        batch += index.shape[1]
    classes = layer[depth - 1].out
    batch = <const int64_t *>index.data
    for i in range(index.size):
        label = (<const int64_t *>y.data)[batch[i]]
        if not 0 <= label < classes:
            raise ValueError(f"labels must be 0..{classes - 1}, got {label} for image {batch[i]}")

    _read(&losses, results[0], "losses", "d", 1, True)
    _read(&correct, results[1], "correct", "l", 1, True)
    run.x = &c.x
    run.labels = <const int64_t *>y.data
    run.index = batch
    run.count = index.shape[1]
    run.steps = index.shape[0]
    run.smoothing = smoothing
    run.rates = <const double *>lr.data
    run.losses = <double *>losses.data
    run.correct = <int64_t *>correct.data
    threads = max(1, min(threads, 256))
    work = _borrow(nn_mlp_bytes(&c.x, layer, depth, run.count, most, threads))
    with nogil:
        nn_mlp_train(&run, layer, depth, &optimizer, most, work, threads)
    _give_back(work)
    return results
