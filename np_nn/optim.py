"""Optimizers: how the gradient becomes a change of the weights. In order of complexity."""

import numpy as np

from np_nn import ops
from np_nn.errors import NpNNError


class Optimizer:
    """What all have in common: parameters, settings, and how many steps were made.

    parameters: from ``model.parameters()``. ``step`` reads each parameter's grad
    and changes its data in place. ``lr`` may be changed between steps. ``moments``
    holds, for each parameter, a tuple of the arrays that the optimizer remembers;
    ``settings`` the numbers that its update takes besides the learning rate.

    Raises NpNNError for a setting that is negative or not finite.
    """

    def __init__(self, parameters, **settings):
        self.config = settings
        self.parameters = list(parameters)
        self.lr = settings["lr"]
        self.steps = 0
        for name, value in settings.items():
            if not np.all(np.isfinite(value)) or np.any(np.asarray(value) < 0):
                kind = type(self).__name__
                raise NpNNError(f"{kind}: {name} must be finite and not below 0, got {value}")

    def _remember(self, count):
        """So many arrays of zeros for each parameter."""
        return [tuple(np.zeros_like(p.data) for _ in range(count)) for p in self.parameters]

    def step(self):
        self.steps += 1
        for parameter, moments, scratch in zip(
            self.parameters, self.moments, self._scratch, strict=True
        ):
            self._update(parameter, moments, scratch)


class SGD(Optimizer):
    """Stochastic gradient descent with momentum; PyTorch's SGD.

        g = grad + weight_decay * weight
        v = momentum * v + g
        weight -= lr * (g + momentum * v if nesterov else v)

    Raises NpNNError for a bad setting, and for nesterov without momentum.
    Source: see ``reference.sgd_step``.
    """

    def __init__(self, parameters, lr=0.001, momentum=0.0, weight_decay=0.0, nesterov=False):
        super().__init__(
            parameters, lr=lr, momentum=momentum, weight_decay=weight_decay, nesterov=nesterov
        )
        if nesterov and not momentum:
            raise NpNNError("SGD: nesterov needs a momentum above 0")
        self.moments = self._remember(1 if momentum else 0)
        self._scratch = [np.empty_like(p.data) for p in self.parameters]
        self.settings = (momentum, weight_decay, nesterov)

    def _update(self, p, moments, scratch):
        velocity = moments[0] if moments else None
        ops.sgd_step(p.data, p.grad, velocity, scratch, self.lr, *self.settings)


class Adam(Optimizer):
    """Adam: each weight has a step size of its own; PyTorch's Adam.

        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g^2
        weight -= lr * m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + eps)

    with g = grad + weight_decay * weight and t the number of the step.
    Raises NpNNError for a bad setting, and for a beta of 1 or more.
    Source: Kingma and Ba 2015.
    """

    decoupled = False

    def __init__(self, parameters, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
        super().__init__(parameters, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)
        if max(betas) >= 1:
            raise NpNNError(f"{type(self).__name__}: betas must be below 1, got {betas}")
        self.moments = self._remember(2)
        self._scratch = [np.empty((2, *p.shape), p.data.dtype) for p in self.parameters]
        self.settings = (*betas, eps, weight_decay, self.decoupled)

    def _update(self, p, moments, scratch):
        ops.adam_step(p.data, p.grad, *moments, scratch, self.steps, self.lr, *self.settings)


class AdamW(Adam):
    """Adam with decoupled weight decay: weight *= 1 - lr * weight_decay; PyTorch's AdamW.

    Source: Loshchilov and Hutter 2019.
    """

    decoupled = True

    def __init__(self, parameters, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
        super().__init__(parameters, lr, betas, eps, weight_decay)


OPTIMIZERS = {"sgd": SGD, "adam": Adam, "adamw": AdamW}


def build(settings, parameters):
    """The optimizer of a Recipe for these parameters."""
    if settings.optimizer == "sgd":
        return SGD(parameters, settings.lr, settings.momentum, nesterov=settings.nesterov)
    return OPTIMIZERS[settings.optimizer](parameters, settings.lr)


def warmup_linear(step, steps, warmup=0.15):
    """Share of the learning rate at a step (0-based) of so many: up, then down to 0.

    Rises linearly over the first ``warmup`` share of the steps and falls linearly
    to 0 after it; the shape of torch's OneCycleLR with linear annealing.
    """
    done = (step + 1) / (steps + 1)
    return min(done / warmup, (1 - done) / (1 - warmup))


SCHEDULES = {"constant": None, "warmup_linear": warmup_linear}
