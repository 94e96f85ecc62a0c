"""Optimizers: update rules that turn gradients into changes of the weights, simplest first."""

from collections.abc import Callable
from typing import Any

import numpy as np

from np_nn import ops
from np_nn.optim.parameters import Parameters
from np_nn.utils.arguments import fitted
from np_nn.utils.checks import check_alike, check_count, is_amount
from np_nn.utils.context import Initialised
from np_nn.utils.errors import NpNNError
from np_nn.utils.types import Array


class Optimizer(Initialised):
    """Base class of optimizers: parameters, hyperparameters, and the number of steps made.

    parameters: from ``model.parameters()``; ``step`` changes their data in place by their grad.
    ``lr`` is the base rate; the user may change it at any time, and nothing else does. ``moments``
    holds a tuple of arrays for each parameter: the optimizer's state; ``settings`` the numbers
    that the update takes besides the learning rate.

    Raises NpNNError for a negative or non-finite hyperparameter, and for a parameter given twice.
    """

    moments: list[tuple[Array, ...]]
    _scratch: list[Array]
    _update: Callable[..., None]

    def __init__(self, parameters: Parameters, **settings: Any) -> None:
        for name, value in settings.items():
            self._check_setting(name, value)
        self.config = settings
        self.parameters = list(parameters)
        if len(set(map(id, self.parameters))) < len(self.parameters):
            raise NpNNError(f"{type(self).__name__}: a parameter is in the list twice")
        self.steps = 0

    @classmethod
    def _check_setting(cls, name, value):
        values = value if isinstance(value, tuple | list) else [value]
        if not all(map(is_amount, values)):
            raise NpNNError(f"{cls.__name__}: {name} must be finite and not below 0, got {value}")

    @property
    def lr(self) -> float:
        """Base learning rate, which schedules multiply in each step."""
        return self.config["lr"]

    @lr.setter
    def lr(self, rate: float) -> None:
        rate = fitted(f"{type(self).__name__}: lr", rate, float)
        self._check_setting("lr", rate)
        self.config["lr"] = rate

    def __repr__(self):
        settings = ", ".join(f"{name}={value}" for name, value in self.config.items())
        return f"{type(self).__name__}({settings})"

    def state_dict(self) -> dict[str, Any]:
        """Return copies of all that later steps depend on, except the parameters."""
        self.follow_dtype()
        moments = [[moment.copy() for moment in moments] for moments in self.moments]
        return {"lr": float(self.lr), "steps": self.steps, "moments": moments}

    def check_state(self, state: dict[str, Any]) -> None:
        """Raise NpNNError unless ``load_state_dict`` can take it."""
        check_alike(self.state_dict(), state, f"{type(self).__name__}'s parameters")
        check_count(state["steps"], "optimizer's steps")
        self._check_setting("lr", state["lr"])

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore a state that ``state_dict`` returned.

        Raises NpNNError, before anything is changed, if the state is another optimizer's.
        """
        self.check_state(state)
        self.lr, self.steps = state["lr"], state["steps"]
        for own, given in zip(self.moments, state["moments"], strict=True):
            for moment, values in zip(own, given, strict=True):
                moment[...] = values

    def _pairs(self):
        """Return scratch space of two arrays for each parameter."""
        return [np.empty((2, *p.shape), p.data.dtype) for p in self.parameters]

    def _remember(self, count):
        """Return `count` arrays of zeros for each parameter."""
        return [tuple(np.zeros_like(p.data) for _ in range(count)) for p in self.parameters]

    def follow_dtype(self) -> None:
        """Convert the moments to the parameters' dtype, which ``Module.to`` changes."""
        for i, p in enumerate(self.parameters):
            if self._scratch[i].dtype != p.data.dtype:
                self._scratch[i] = np.empty_like(self._scratch[i], p.data.dtype)
                self.moments[i] = tuple(m.astype(p.data.dtype) for m in self.moments[i])

    def step(self, lr: float | None = None) -> None:
        """Update the parameters. lr: learning rate of this step only; None: the base rate."""
        self.follow_dtype()
        self.steps += 1
        lr = float(self.lr if lr is None else lr)  # a NumPy scalar would make the update float64
        for held in zip(self.parameters, self.moments, self._scratch, strict=True):
            self._update(*held, lr)


class SGD(Optimizer):
    """Stochastic gradient descent with momentum, as PyTorch's SGD.

    With g = grad + weight_decay * weight::

        v = momentum * v + g
        weight -= lr * (g + momentum * v if nesterov else v)

    Raises NpNNError for an invalid hyperparameter, and for nesterov without momentum.
    Source: see ``reference.sgd_step``.
    """

    def __init__(
        self, parameters: Parameters, lr: float = 0.001, momentum: float = 0.0,
        weight_decay: float = 0.0, nesterov: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(
            parameters, lr=lr, momentum=momentum, weight_decay=weight_decay, nesterov=nesterov
        )
        if nesterov and not momentum:
            raise NpNNError("SGD: nesterov needs a momentum above 0")
        self.moments = self._remember(1 if momentum else 0)
        self._scratch = [np.empty_like(p.data) for p in self.parameters]
        self.settings = (momentum, weight_decay, nesterov)

    def _update(self, p, moments, scratch, lr):
        velocity = moments[0] if moments else None
        ops.sgd_step(p.data, p.grad, velocity, scratch, lr, *self.settings)


class Adagrad(Optimizer):
    """Adagrad: weights with large past gradients take smaller steps, as PyTorch's Adagrad.

    With g = grad + weight_decay * weight and t the number of the step::

        s = s + g^2
        weight -= lr / (1 + (t - 1) * lr_decay) * g / (sqrt(s) + eps)

    Raises NpNNError for an invalid hyperparameter. Source: Duchi et al. 2011.
    """

    def __init__(
        self, parameters: Parameters, lr: float = 0.01, lr_decay: float = 0.0,
        weight_decay: float = 0.0, initial_accumulator_value: float = 0.0, eps: float = 1e-10,
    ) -> None:  # fmt: skip
        super().__init__(
            parameters, lr=lr, lr_decay=lr_decay, weight_decay=weight_decay,
            initial_accumulator_value=initial_accumulator_value, eps=eps,
        )  # fmt: skip
        self.moments = self._remember(1)
        for (total,) in self.moments:
            total += initial_accumulator_value
        self._scratch = self._pairs()
        self.settings = (lr_decay, weight_decay, eps)

    def _update(self, p, moments, scratch, lr):
        ops.adagrad_step(p.data, p.grad, *moments, scratch, self.steps, lr, *self.settings)


class RMSprop(Optimizer):
    """RMSprop: each gradient is divided by its recent root mean square, as PyTorch's RMSprop.

    With g = grad + weight_decay * weight and a = 0, or if centered the running mean of g::

        s = alpha * s + (1 - alpha) * g^2
        v = momentum * v + g / (sqrt(s - a^2) + eps)
        weight -= lr * v

    Raises NpNNError for an invalid hyperparameter, and for an alpha above 1.
    Source: Tieleman and Hinton 2012; see ``reference.rmsprop_step``.
    """

    def __init__(
        self, parameters: Parameters, lr: float = 0.01, alpha: float = 0.99,
        eps: float = 1e-8, weight_decay: float = 0.0, momentum: float = 0.0, centered: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(
            parameters, lr=lr, alpha=alpha, eps=eps, weight_decay=weight_decay,
            momentum=momentum, centered=centered,
        )  # fmt: skip
        if alpha > 1:
            raise NpNNError(f"RMSprop: alpha must be 0..1, got {alpha}")
        self.moments = self._remember(1 + bool(centered) + bool(momentum))
        self._scratch = self._pairs()
        self.settings = (alpha, eps, weight_decay, momentum, centered)

    def _update(self, p, moments, scratch, lr):
        square, *rest = moments
        average = rest.pop(0) if self.config["centered"] else None
        velocity = rest.pop(0) if self.config["momentum"] else None
        ops.rmsprop_step(p.data, p.grad, square, average, velocity, scratch, lr, *self.settings)


class Adadelta(Optimizer):
    """Adadelta: steps in the unit of the weights, without a rate to tune, as PyTorch's Adadelta.

    With g = grad + weight_decay * weight::

        s = rho * s + (1 - rho) * g^2
        c = sqrt(d + eps) / sqrt(s + eps) * g
        d = rho * d + (1 - rho) * c^2
        weight -= lr * c

    Raises NpNNError for an invalid hyperparameter, and for a rho above 1. Source: Zeiler 2012.
    """

    def __init__(
        self, parameters: Parameters, lr: float = 1.0, rho: float = 0.9,
        eps: float = 1e-6, weight_decay: float = 0.0,
    ) -> None:  # fmt: skip
        super().__init__(parameters, lr=lr, rho=rho, eps=eps, weight_decay=weight_decay)
        if rho > 1:
            raise NpNNError(f"Adadelta: rho must be 0..1, got {rho}")
        self.moments = self._remember(2)
        self._scratch = self._pairs()
        self.settings = (rho, eps, weight_decay)

    def _update(self, p, moments, scratch, lr):
        ops.adadelta_step(p.data, p.grad, *moments, scratch, lr, *self.settings)


class Adam(Optimizer):
    """Adam: each weight has a step size of its own, as PyTorch's Adam.

    With g = grad + weight_decay * weight and t the number of the step::

        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g^2
        weight -= lr * m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + eps)

    eps_hat: add eps to sqrt(v) before the division, as Keras and scikit-learn do, not PyTorch.
    Raises NpNNError for an invalid hyperparameter, and for a beta of 1 or more.
    Source: Kingma and Ba 2015.
    """

    decoupled = False

    def __init__(
        self, parameters: Parameters, lr: float = 0.001,
        betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8, weight_decay: float = 0.0, *,
        eps_hat: bool = False,
    ) -> None:  # fmt: skip
        own = {"eps_hat": True} if eps_hat else {}  # PyTorch has no such argument
        super().__init__(parameters, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, **own)
        if max(betas) >= 1:
            raise NpNNError(f"{type(self).__name__}: betas must be below 1, got {betas}")
        self.moments = self._remember(2)
        self._scratch = self._pairs()
        self.settings = (*betas, eps, weight_decay, self.decoupled, bool(eps_hat))

    def _update(self, p, moments, scratch, lr):
        ops.adam_step(p.data, p.grad, *moments, scratch, self.steps, lr, *self.settings)


class AdamW(Adam):
    """Adam with decoupled weight decay, as PyTorch's AdamW.

    Before Adam's step, in place of the decay in g::

        weight *= 1 - lr * weight_decay

    Source: Loshchilov and Hutter 2019.
    """

    decoupled = True

    def __init__(
        self, parameters: Parameters, lr: float = 0.001,
        betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8, weight_decay: float = 0.01,
    ) -> None:  # fmt: skip
        super().__init__(parameters, lr, betas, eps, weight_decay)


OPTIMIZERS = {
    "sgd": SGD,
    "adagrad": Adagrad,
    "rmsprop": RMSprop,
    "adadelta": Adadelta,
    "adam": Adam,
    "adamw": AdamW,
}

__all__ = ["SGD", "Adadelta", "Adagrad", "Adam", "AdamW", "Optimizer", "RMSprop"]
