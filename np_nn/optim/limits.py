"""Limits on gradients and weights: clipping, and the max-norm constraint."""

import math
from dataclasses import dataclass

import numpy as np

from np_nn.optim.parameters import Parameters
from np_nn.utils.errors import NpNNError


def clip_grad_norm_(parameters: Parameters, max_norm: float) -> float:
    """Scale all gradients by one factor so that their joint norm is at most max_norm.

    Returns the norm before scaling. PyTorch's ``clip_grad_norm_`` (Pascanu et al. 2013).
    Raises NpNNError for a max_norm that is not above 0.
    """
    _check("clip_grad_norm_", max_norm)
    parameters = list(parameters)  # an iterator would serve only one of the two loops
    total = math.sqrt(sum(float(np.vdot(p.grad, p.grad)) for p in parameters))
    if total > max_norm:
        for p in parameters:
            p.grad *= max_norm / (total + 1e-6)
    return total


def clip_grad_value_(parameters: Parameters, clip_value: float) -> None:
    """Clip every gradient to -clip_value..clip_value; PyTorch's ``clip_grad_value_``.

    Raises NpNNError for a clip_value that is not above 0.
    """
    _check("clip_grad_value_", clip_value)
    for p in parameters:
        np.clip(p.grad, -clip_value, clip_value, out=p.grad)


def max_norm_(parameters: Parameters, limit: float) -> None:
    """Scale the incoming weights of each unit to a norm of at most limit, after a step.

    Changes weights of Linear and Conv2d layers only, not biases or normalisations. Source: Srebro
    and Shraibman 2005, as used with dropout by Srivastava et al. 2014. Raises NpNNError for a
    limit that is not above 0.
    """
    _check("max_norm_", limit)
    for p in parameters:
        if p.data.ndim > 1:
            weights = p.data.reshape(len(p.data), -1)  # Conv2d: (units, inputs)
            weights = weights if p.transposed else weights.T  # Linear: (inputs, units)
            length = np.sqrt(np.einsum("io,io->o", weights, weights))
            weights *= np.minimum(1, limit / np.maximum(length, 1e-12)).astype(p.data.dtype)


def _check(name, value):
    if not 0 < value < math.inf:
        raise NpNNError(f"{name}: the limit must be finite and above 0, got {value}")


@dataclass(frozen=True)
class Limits:
    """Limits that `fit` applies at every step; None: no limit. False if all are None.

    Raises NpNNError for a limit that is not above 0.
    """

    clip_norm: float | None = None
    clip_value: float | None = None
    max_norm: float | None = None

    def __post_init__(self):
        for name, value in vars(self).items():
            if value is not None:
                _check(name, value)

    def __bool__(self):
        return any(value is not None for value in vars(self).values())

    def before(self, parameters: Parameters) -> None:
        """Limit the gradients, before the optimizer's step."""
        if self.clip_norm is not None:
            clip_grad_norm_(parameters, self.clip_norm)
        if self.clip_value is not None:
            clip_grad_value_(parameters, self.clip_value)

    def after(self, parameters: Parameters) -> None:
        """Limit the weights, after the optimizer's step."""
        if self.max_norm is not None:
            max_norm_(parameters, self.max_norm)
