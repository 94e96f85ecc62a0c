"""Optimizers: how the gradient becomes a change of the weights. In order of complexity."""

import numpy as np

from np_nn import ops
from np_nn.errors import NpNNError


class SGD:
    """Stochastic gradient descent with momentum; PyTorch's SGD.

        g = grad + weight_decay * weight
        v = momentum * v + g
        weight -= lr * (g + momentum * v if nesterov else v)

    parameters: from ``model.parameters()``. ``step`` reads each parameter's grad
    and changes its data in place.

    Raises NpNNError for a setting that is negative or not finite, and for
    nesterov without momentum.
    """

    def __init__(self, parameters, lr=0.001, momentum=0.0, weight_decay=0.0, nesterov=False):
        self.config = {
            "lr": lr,
            "momentum": momentum,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
        }
        for name, value in self.config.items():
            if not 0 <= value < np.inf:
                raise NpNNError(f"SGD: {name} must be a finite number >= 0, got {value}")
        if nesterov and not momentum:
            raise NpNNError("SGD: nesterov needs a momentum above 0")
        self.parameters = list(parameters)
        self._velocity = [np.zeros_like(p.data) if momentum else None for p in self.parameters]
        self._scratch = [np.empty_like(p.data) for p in self.parameters]

    def step(self):
        for p, velocity, scratch in zip(
            self.parameters, self._velocity, self._scratch, strict=True
        ):
            ops.sgd_step(p.data, p.grad, velocity, scratch, *self.config.values())


OPTIMIZERS = {"sgd": SGD}


def build(settings, parameters):
    """The optimizer of a Recipe for these parameters."""
    optimizer = OPTIMIZERS[settings.optimizer]
    return optimizer(parameters, lr=settings.lr, momentum=settings.momentum)
