# Whole training steps; included by mlp.pyx.

ACTIVATIONS = {
    "identity": NN_IDENTITY, "relu": NN_RELU, "sigmoid": NN_SIGMOID, "tanh": NN_TANH,
    "scaled_tanh": NN_SCALED_TANH,
}


cdef nn_optimizer _read_rule(object rule, object settings, int64_t step) except *:
    if rule == "sgd":
        momentum, weight_decay, nesterov = settings
        return nn_sgd(momentum, weight_decay, nesterov)
    if rule == "adam":
        beta1, beta2, eps, weight_decay, decoupled, eps_hat = settings
        return nn_adam(beta1, beta2, eps, weight_decay, decoupled, eps_hat, step)
    if rule == "adagrad":
        lr_decay, weight_decay, eps = settings
        return nn_adagrad(lr_decay, weight_decay, eps, step)
    if rule == "rmsprop":
        alpha, eps, weight_decay, momentum, centered = settings
        return nn_rmsprop(alpha, eps, weight_decay, momentum, centered)
    if rule == "adadelta":
        rho, eps, weight_decay = settings
        return nn_adadelta(rho, eps, weight_decay)
    if rule == "gradient":
        return nn_store()
    raise ValueError(
        "rule must be 'sgd', 'adam', 'adagrad', 'rmsprop', 'adadelta' or 'gradient', "
        f"got {rule!r}")


cdef int _read_parameter(
    nn_parameter *parameter, object given, object moments, str name, int axes, int64_t rows,
    int64_t columns, int wanted,
) except -1:
    """Read a weight (I, O) or bias (O,) and the rule's moments. columns -1: any."""
    cdef Array a, m
    cdef float *found[3]
    _read(&a, given, name, "f", axes, True)
    if a.shape[axes - 1] != (columns if columns >= 0 else a.shape[axes - 1]) or (
            axes == 2 and a.shape[0] != rows):
        raise ValueError(
            f"{name} must have shape "
            f"{(rows, '...' if columns < 0 else columns) if axes == 2 else (columns,)}, "
            f"got {_shape(&a)}")
    if len(moments) < wanted:
        raise ValueError(f"{name} needs {wanted} moment(s) for this rule, got {len(moments)}")
    found[0] = found[1] = found[2] = NULL
    for i in range(wanted):
        _read(&m, moments[i], f"moment {i} of {name}", "f", axes, True)
        if not _same_shape(&a, &m):
            raise ValueError(f"moment {i} of {name} must have shape {_shape(&a)}, got {_shape(&m)}")
        found[i] = <float *>m.data
    parameter[0] = nn_parameter(<float *>a.data, found[0], found[1], found[2])
    return 0


cdef int _read_norm(nn_layer *layer, object norm, str where, int wanted) except -1:
    """Read the batch norm of a layer."""
    cdef Array mean, variance
    try:
        weight, bias, weight_moments, bias_moments, running_mean, running_var, eps, momentum = norm
    except (TypeError, ValueError):
        raise ValueError(f"norm of {where} must be a Norm, got {type(norm).__name__}") from None
    _read_parameter(
        &layer.scale, weight, weight_moments, f"norm weight of {where}", 1, 1, layer.out, wanted)
    _read_parameter(
        &layer.offset, bias, bias_moments, f"norm bias of {where}", 1, 1, layer.out, wanted)
    _read(&mean, running_mean, f"running mean of {where}", "f", 1, True)
    _read(&variance, running_var, f"running variance of {where}", "f", 1, True)
    if mean.size != layer.out or variance.size != layer.out:
        raise ValueError(f"the running mean and variance of {where} must have shape ({layer.out},)")
    if not 0 <= eps < float("inf") or not 0 <= momentum <= 1:
        raise ValueError(f"norm of {where}: eps {eps} or momentum {momentum} is out of range")
    layer.running = nn_parameter(<float *>mean.data, <float *>variance.data, NULL, NULL)
    layer.eps, layer.momentum = eps, momentum
    return 0


cdef int _read_drop(nn_layer *layer, object drop, str where, int64_t steps) except -1:
    """Read the dropout of a layer."""
    cdef Array keys
    try:
        p, given = drop
    except (TypeError, ValueError):
        raise ValueError(f"drop of {where} must be a Drop, got {type(drop).__name__}") from None
    if not 0 <= p < 1:
        raise ValueError(f"drop of {where}: p must be at least 0 and below 1, got {p}")
    _read(&keys, given, f"keys of {where}", "L", 1, False)
    if keys.size != steps:
        raise ValueError(f"{where} has {keys.size} keys for {steps} steps")
    layer.drop = nn_drop_of(p)
    layer.keys = <const uint64_t *>keys.data
    return 0


cdef int _check_apart(const nn_layer *layer, set places, int number) except -1:
    """Raise ValueError if an array of the layer belongs to another parameter as well."""
    cdef nn_parameter[5] parameters = [
        layer.weight, layer.bias, layer.scale, layer.offset, layer.running]
    for p in parameters:
        for address in (<size_t>p.w, <size_t>p.m, <size_t>p.v, <size_t>p.u):
            if address in places:
                raise ValueError(f"layer {number} shares an array with another parameter")
            if address:
                places.add(address)
    return 0


cdef int _read_layers(
    nn_layer *layers, object given, object activations, int64_t width, int wanted, int64_t count,
    int64_t steps,
) except -1:
    """Read the caller's layers, from `width` inputs to the classes; return their number."""
    cdef Array w
    cdef nn_layer *layer
    cdef int depth = len(given)
    if not 1 <= depth <= NN_MAX_LAYERS:
        raise ValueError(f"mlp_steps takes 1 to {NN_MAX_LAYERS} layers, got {depth}")
    if len(activations) != depth:
        raise ValueError(f"{depth} layers need {depth} activations, got {len(activations)}")
    places = set()
    for i in range(depth):
        where = f"layer {i}"
        try:
            weight, bias, weight_moments, bias_moments, norm, drop = given[i]
        except (TypeError, ValueError):
            raise ValueError(f"{where} must be a Dense, got {type(given[i]).__name__}") from None
        if activations[i] not in ACTIVATIONS:
            raise ValueError(
                f"activation {i} must be one of {', '.join(ACTIVATIONS)}, got {activations[i]!r}")
        if i == depth - 1 and not (norm is None and drop is None):
            raise ValueError("the last layer must have no norm and no drop")
        layer = &layers[i]
        memset(layer, 0, sizeof(nn_layer))
        layer.activation = ACTIVATIONS[activations[i]]
        _read(&w, weight, f"weight of {where}", "f", 2, True)
        layer.ins, layer.out = width, w.shape[1]
        layer.ld = layer.ldw = layer.out
        if layer.out < 1:
            raise ValueError(f"{where} has no outputs")
        _read_parameter(
            &layer.weight, weight, weight_moments, f"weight of {where}", 2, width, -1, wanted)
        if bias is not None:
            _read_parameter(
                &layer.bias, bias, bias_moments, f"bias of {where}", 1, 1, layer.out, wanted)
        if norm is not None:
            _read_norm(layer, norm, where, wanted)
            if count < 2:
                raise ValueError(f"norm of {where}: a batch must have at least two images")
        if drop is not None:
            _read_drop(layer, drop, where, steps)
            if count * layer.out >= 2**32:
                raise ValueError(f"drop of {where}: the batch is too large")
        _check_apart(layer, places, i)
        width = layer.out
    return depth


cdef int64_t _check_batches(
    Compressed *c, const nn_layer *layers, int depth, const Array *index, int threads,
) except -1:
    """Check that all batches are inside the arrays; return the most entries of a chunk."""
    cdef int64_t most = 0, bad
    cdef const int64_t *batches = <const int64_t *>index.data
    with nogil:
        bad = nn_mlp_find_bad_row(
            &c.x, c.count, c.entries, layers, depth, batches, index.shape[0], index.shape[1], &most,
            threads)
    if bad >= 0:
        _count_entries(c, batches + bad, 1)  # raises the error
    return most


cdef int _check_labels(const Array *labels, const Array *index, int64_t classes) except -1:
    cdef const int64_t *batches = <const int64_t *>index.data
    cdef const int64_t *label = <const int64_t *>labels.data
    cdef int64_t bad
    with nogil:
        bad = nn_mlp_find_bad_label(label, batches, index.size, classes)
    if bad >= 0:
        raise ValueError(
            f"labels must be 0..{classes - 1}, got {label[batches[bad]]} for image {batches[bad]}")
    return 0


def mlp_steps(
    rows, targets, batches, double scale, double shift, layers, activations, loss, rule, rates,
    int64_t step, settings, double l2, int threads,
):
    cdef Compressed c
    cdef Array wanted, index, lr, losses, correct
    cdef nn_layer layer[32]
    cdef nn_mlp_run run
    cdef nn_optimizer optimizer = _read_rule(rule, settings, step)
    cdef int64_t classes, most
    cdef int depth
    cdef bint labelled
    cdef void *work

    try:
        kind, setting = loss
    except (TypeError, ValueError):
        raise ValueError(f"loss must be a name and its setting, got {loss!r}") from None
    if kind not in ("cross_entropy", "mse"):
        raise ValueError(f"loss must be 'cross_entropy' or 'mse', got {kind!r}")
    labelled = kind == "cross_entropy"
    numbers, rates = _int64(batches, "batches"), np.ascontiguousarray(rates, np.float64)
    if labelled:
        targets = _int64(targets, "labels")
    _read_rows(&c, rows, scale, shift)
    _read(&wanted, targets, "labels" if labelled else "targets", "l" if labelled else "f",
          1 if labelled else 2, False)
    _read(&index, numbers, "batches", "l", 2, False)
    _read(&lr, rates, "rates", "d", 1, False)
    depth = _read_layers(
        layer, layers, activations, c.x.width, nn_moments(&optimizer), index.shape[1],
        index.shape[0])
    classes = layer[depth - 1].out
    if (wanted.shape[0] != c.count or lr.size != index.shape[0]
            or (not labelled and wanted.shape[1] != classes)):
        raise ValueError(
            f"mlp_steps: {c.count} images, {'labels' if labelled else 'targets'} "
            f"{_shape(&wanted)}, {classes} outputs, batches {_shape(&index)} and {lr.size} rates "
            "do not fit")
    results = np.empty(index.shape[0], np.float64), np.empty(index.shape[0], np.int64)
    if not index.shape[0]:
        return results
    if not index.shape[1]:
        raise ValueError("mlp_steps: a batch must have at least one image")
    most = _check_batches(&c, layer, depth, &index, threads)
    if labelled:
        _check_labels(&wanted, &index, classes)

    _read(&losses, results[0], "losses", "d", 1, True)
    _read(&correct, results[1], "correct", "l", 1, True)
    run.x = &c.x
    run.loss = NN_CROSS_ENTROPY if labelled else NN_MSE
    run.setting = setting
    run.l2 = l2
    run.labels, run.targets = NULL, NULL
    if labelled:
        run.labels = <const int64_t *>wanted.data
    else:
        run.targets = <const float *>wanted.data
    run.index = <const int64_t *>index.data
    run.count = index.shape[1]
    run.steps = index.shape[0]
    run.rates = <const double *>lr.data
    run.losses = <double *>losses.data
    run.correct = <int64_t *>correct.data
    threads = max(1, min(threads, NN_MAX_THREADS))
    work = _borrow(nn_mlp_bytes(&c.x, layer, depth, run.count, most, threads))
    with nogil:
        nn_mlp_train(&run, layer, depth, &optimizer, most, work, threads)
    nn_give_back(work)
    return results
