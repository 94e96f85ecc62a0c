# Linear layers and the cross-entropy, one operation per call; included by mlp.pyx.


cdef object _int64(object given, str name):
    """Return integers of any size as a contiguous int64 array, without a copy if they are one."""
    array = np.asarray(given)
    if array.dtype.kind not in "iu":
        raise ValueError(f"{name} must be integers, got {array.dtype}")
    return np.ascontiguousarray(array, np.int64)


def gather(images, indices, double scale, double shift, out, int threads):
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
            <const int64_t *>index.data, index.size, width, scale, shift, <float *>batch.data,
            threads)
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
    bytes = nn_packed_bytes(w.shape[0], w.shape[1])
    if bytes:
        work = _borrow(bytes)
    with nogil:
        nn_linear_forward(
            <float *>a.data, a.shape[1], <float *>w.data, w.shape[1], <float *>b.data, a.shape[0],
            a.shape[1], w.shape[1], <float *>y.data, w.shape[1],
            <float *>nn_align(work) if work != NULL else NULL, threads)
    if work != NULL:
        nn_give_back(work)
    return out


def linear_backward_weight(x, grad, out, int threads):
    cdef Array a, g, dw
    cdef int64_t packed, chunk
    cdef char *work
    _read(&a, x, "x", "f", 2, False)
    _read(&g, grad, "grad", "f", 2, False)
    _read(&dw, out, "out", "f", 2, True)
    if a.shape[0] != g.shape[0] or dw.shape[0] != a.shape[1] or dw.shape[1] != g.shape[1]:
        raise ValueError(
            f"linear_backward_weight: x {_shape(&a)}, grad {_shape(&g)} and out {_shape(&dw)} "
            "do not fit")
    _apart(&dw, &a, "x")
    _apart(&dw, &g, "grad")
    chunk = nn_chunk_at(0, a.shape[0])
    packed = nn_packed_bytes(chunk, g.shape[1])
    work = <char *>_borrow(packed + 4 * nn_inputs_floats(chunk, a.shape[1], g.shape[1], 0) + 64)
    with nogil:
        nn_linear_backward_weight(
            <float *>a.data, a.shape[1], <float *>g.data, g.shape[1], a.shape[0], a.shape[1],
            g.shape[1], <float *>dw.data, g.shape[1],
            <float *>nn_align(work) if packed else NULL, <float *>nn_align(work + packed), threads)
    nn_give_back(work)
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
            <float *>g.data, g.shape[1], g.shape[0], g.shape[1], &store,
            nn_parameter(<float *>db.data, NULL, NULL, NULL), threads)
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
    threads = max(1, min(threads, NN_MAX_THREADS))
    work = _borrow(4 * nn_transposed_floats(w.shape[0], w.shape[1], threads))
    with nogil:
        nn_linear_backward_input(
            <float *>g.data, g.shape[1], <float *>w.data, w.shape[1], g.shape[0], w.shape[0],
            w.shape[1], <float *>dx.data, w.shape[0], <float *>nn_align(work), threads)
    nn_give_back(work)
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
    nn_give_back(work)
    return loss
