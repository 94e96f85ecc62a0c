# The optimizers' steps; included by mlp.pyx.


cdef int _step(
    nn_optimizer *optimizer, double lr, object weight, object grad, object moments, int threads,
) except -1:
    """Update a weight. moments: the rule's moments by name, in the order of nn_parameter."""
    cdef Array w, g, other
    cdef float *data[3]
    cdef int i = 0
    _read(&w, weight, "weight", "f", -1, True)
    _read(&g, grad, "grad", "f", -1, False)
    data[0] = data[1] = data[2] = NULL
    fits = _same_shape(&w, &g)
    for name, moment in moments.items():
        _read(&other, moment, name, "f", -1, True)
        fits = fits and _same_shape(&w, &other)
        data[i] = <float *>other.data
        i += 1
    if not fits:
        raise ValueError(
            f"weight {_shape(&w)}, grad {_shape(&g)} and the optimizer's moments must have one shape")
    nn_begin_step(optimizer, lr)
    with nogil:
        nn_optimizer_step(
            optimizer, w.size, <float *>g.data,
            nn_parameter(<float *>w.data, data[0], data[1], data[2]), threads)
    return 0


def sgd_step(
    weight, grad, velocity, scratch, double lr, double momentum, double weight_decay,
    bint nesterov, int threads,
):
    cdef nn_optimizer optimizer = nn_sgd(momentum, weight_decay, nesterov)
    _step(&optimizer, lr, weight, grad, {"velocity": velocity} if momentum else {}, threads)


def adam_step(
    weight, grad, mean, square, scratch, int64_t step, double lr, double beta1, double beta2,
    double eps, double weight_decay, bint decoupled, bint eps_hat, int threads,
):
    cdef nn_optimizer optimizer = nn_adam(
        beta1, beta2, eps, weight_decay, decoupled, eps_hat, step - 1)
    _step(&optimizer, lr, weight, grad, {"mean": mean, "square": square}, threads)


def adagrad_step(
    weight, grad, total, scratch, int64_t step, double lr, double lr_decay, double weight_decay,
    double eps, int threads,
):
    cdef nn_optimizer optimizer = nn_adagrad(lr_decay, weight_decay, eps, step - 1)
    _step(&optimizer, lr, weight, grad, {"total": total}, threads)


def rmsprop_step(
    weight, grad, square, average, velocity, scratch, double lr, double alpha, double eps,
    double weight_decay, double momentum, bint centered, int threads,
):
    cdef nn_optimizer optimizer = nn_rmsprop(alpha, eps, weight_decay, momentum, centered)
    moments = {"square": square}
    if centered:
        moments["average"] = average
    if momentum:
        moments["velocity"] = velocity
    _step(&optimizer, lr, weight, grad, moments, threads)


def adadelta_step(
    weight, grad, square, delta, scratch, double lr, double rho, double eps, double weight_decay,
    int threads,
):
    cdef nn_optimizer optimizer = nn_adadelta(rho, eps, weight_decay)
    _step(&optimizer, lr, weight, grad, {"square": square, "delta": delta}, threads)
