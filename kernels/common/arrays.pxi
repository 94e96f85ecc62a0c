# Checks of a kernel's arrays before anything is changed.
#
# Included by every extension; needs none of the C headers. Invalid arrays (wrong dtype, not
# contiguous, wrong number of dimensions) raise ValueError.

import numpy as np

from cpython.buffer cimport (
    PyBUF_C_CONTIGUOUS, PyBUF_FORMAT, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer,
)
from libc.stdint cimport int64_t

DEF MOST_AXES = 64

cdef struct Array:
    void *data
    int axes
    int64_t size
    int64_t shape[MOST_AXES]


cdef bint _is_format(const char *given, const char *wanted, Py_ssize_t itemsize) noexcept:
    """Return whether a buffer has the format `wanted`.

    That is the buffer protocol's letter, but "l" for int64 and "L" for uint64 on every platform.
    """
    if given == NULL or given[0] == 0 or given[1] != 0:
        return False
    if wanted[0] == c"l":
        return itemsize == 8 and (given[0] == c"l" or given[0] == c"q")
    if wanted[0] == c"L":
        return itemsize == 8 and (given[0] == c"L" or given[0] == c"Q")
    return given[0] == wanted[0]


cdef int _read(Array *array, object given, str name, const char *format, int axes, bint write) except -1:
    """Read an array that must be C-contiguous and have this format and number of axes (-1: any).

    The pointer is valid while the caller holds a reference to `given`: NumPy does not resize an
    array with other references.
    """
    cdef Py_buffer buffer
    cdef int axis
    cdef bint fits
    try:
        PyObject_GetBuffer(
            given, &buffer, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT | (PyBUF_WRITABLE if write else 0))
    except (TypeError, ValueError, BufferError):
        raise _misfit(given, name, format, _dimensions(axes), write) from None
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
        raise _misfit(given, name, format, _dimensions(axes), write)
    return 0


cdef inline int _read_shape(
    Array *array, object given, str name, const char *format, tuple shape, bint write,
) except -1:
    """Read an array as _read does; it must have this shape (-1: any size)."""
    try:
        _read(array, given, name, format, len(shape), write)
        fits = all([want in (-1, got) for want, got in zip(shape, _shape(array))])
    except ValueError:
        fits = False
    if not fits:
        sizes = ", ".join(["any" if size < 0 else str(size) for size in shape])
        raise _misfit(given, name, format, f" of shape ({sizes})", write)
    return 0


cdef object _dimensions(int axes):
    return "" if axes < 0 else f" of {axes} dimension{'' if axes == 1 else 's'}"


cdef object _misfit(object given, str name, const char *format, str shape, bint write):
    """Return the error for an invalid array. shape: the required shape, in words."""
    dtypes = {
        b"f": "float32", b"d": "float64", b"l": "int64", b"L": "uint64", b"H": "uint16",
        b"B": "uint8",
    }
    dtype = dtypes[format]
    wanted = f"a C-contiguous{' writable' if write else ''} {dtype} array{shape}"
    got = type(given).__name__
    if isinstance(given, np.ndarray):
        got = f"{given.dtype} of shape {given.shape}"
        got += "" if given.flags.c_contiguous else ", not contiguous"
        got += "" if given.flags.writeable else ", read-only"
    return ValueError(f"{name} must be {wanted}, got {got}")


cdef inline bint _same_shape(const Array *a, const Array *b) noexcept:
    cdef int axis
    if a.axes != b.axes:
        return False
    for axis in range(a.axes):
        if a.shape[axis] != b.shape[axis]:
            return False
    return True


cdef object _shape(const Array *a):
    return tuple([a.shape[axis] for axis in range(a.axes)])


cdef inline bint _overlap(const Array *a, const Array *b) noexcept:
    """Return whether two arrays of 4-byte elements share memory."""
    return (<char *>a.data < <char *>b.data + b.size * 4
            and <char *>b.data < <char *>a.data + a.size * 4)


cdef inline int _apart(const Array *out, const Array *other, str name) except -1:
    """Refuse an output that shares memory with an operand, which is read repeatedly."""
    if _overlap(out, other):
        raise ValueError(f"out must not share memory with {name}")
    return 0
