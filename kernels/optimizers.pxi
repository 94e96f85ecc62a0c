# The optimizers' steps; included by compiled.pyx.


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
