# Compressed rows and the layer that reads them; included by mlp.pyx.


def _fields(*fields):
    return fields


_rows_type = _fields


def set_rows_type(rows_type):
    """Set the type that `compress` returns: the reference's Rows, called with its four fields.

    Kernels import nothing of the package; its ops.py passes the type in.
    """
    global _rows_type
    _rows_type = rows_type


cdef struct Compressed:
    nn_rows x
    float table[256]
    int64_t count, entries


cdef int _read_rows(Compressed *c, object rows, double scale, double shift) except -1:
    cdef Array indptr, columns, values
    cdef int value
    try:
        given_indptr, given_columns, given_values, width = rows
    except (TypeError, ValueError):
        raise ValueError(f"rows must be Rows, got {type(rows).__name__}") from None
    _read(&indptr, given_indptr, "rows.indptr", "l", 1, False)
    _read(&columns, given_columns, "rows.columns", "H", 1, False)
    _read(&values, given_values, "rows.values", "B", 1, False)
    if indptr.size < 1 or columns.size != values.size or not 0 <= width <= NN_MOST_PIXELS:
        raise ValueError(
            f"rows do not fit: indptr ({indptr.size},), columns ({columns.size},), "
            f"values ({values.size},), width {width}")
    c.x.indptr = <const int64_t *>indptr.data
    c.x.cols = <const uint16_t *>columns.data
    c.x.vals = <const uint8_t *>values.data
    c.x.width = width
    c.x.table = c.table
    c.x.shift = <float>shift
    c.count = indptr.size - 1
    c.entries = columns.size
    for value in range(256):
        c.table[value] = <float>value * <float>scale
    return 0


cdef int64_t _count_entries(Compressed *c, const int64_t *index, int64_t count) except -1:
    """Count the nonzeros of these images; raise ValueError if one is outside the arrays."""
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


def compress(images, int threads):
    cdef Array source, indptr, columns, values
    _read(&source, images, "images", "B", 2, False)
    if source.shape[1] > NN_MOST_PIXELS:
        raise ValueError(f"compress: at most 65,535 pixels, got {source.shape[1]}")
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
    return _rows_type(bounds, filled, shades, images.shape[1])


def sparse_linear_forward(
    rows, indices, double scale, double shift, weight, bias, out, int threads,
):
    cdef Compressed c
    cdef Array index, w, b, y
    cdef int64_t entries
    cdef void *work
    numbers = _int64(indices, "indices")
    _read_rows(&c, rows, scale, shift)
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
    work = _borrow(nn_sparse_plan(
        &c.x, index.size, entries, w.shape[1], max(1, threads), NULL).bytes)
    with nogil:
        nn_sparse_linear_forward(
            &c.x, <const int64_t *>index.data, index.size, entries, <float *>w.data, w.shape[1],
            <float *>b.data, w.shape[1], <float *>y.data, w.shape[1], work, threads)
    nn_give_back(work)
    return out


def sparse_linear_backward_weight(
    rows, indices, double scale, double shift, grad, out, int threads,
):
    cdef Compressed c
    cdef Array index, g, dw
    cdef int64_t entries
    cdef void *work
    numbers = _int64(indices, "indices")
    _read_rows(&c, rows, scale, shift)
    _read(&index, numbers, "indices", "l", 1, False)
    _read(&g, grad, "grad", "f", 2, False)
    _read(&dw, out, "out", "f", 2, True)
    if g.shape[0] != index.size or dw.shape[0] != c.x.width or dw.shape[1] != g.shape[1]:
        raise ValueError(
            f"sparse_linear_backward_weight: rows of width {c.x.width}, {index.size} indices, "
            f"grad {_shape(&g)} and out {_shape(&dw)} do not fit")
    _apart(&dw, &g, "grad")
    entries = _count_entries(&c, <const int64_t *>index.data, index.size)
    work = _borrow(nn_sparse_gradient_bytes(
        &c.x, index.size, entries, g.shape[1], max(1, threads)))
    with nogil:
        nn_sparse_linear_backward_weight(
            &c.x, <const int64_t *>index.data, index.size, entries, <float *>g.data, g.shape[1],
            g.shape[1], <float *>dw.data, g.shape[1], work, threads)
    nn_give_back(work)
    return out
