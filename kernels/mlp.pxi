# Whole steps of training; included by compiled.pyx.


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
