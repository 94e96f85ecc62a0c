"""Single neuron in plain arithmetic, which other layers compute for many units at once."""

import math

import numpy as np

from np_nn.layers import initializers
from np_nn.layers.module import Module, Parameter
from np_nn.utils.arrays import numbers
from np_nn.utils.checks import WIDEST, check_range
from np_nn.utils.errors import NpNNError, unknown_name
from np_nn.utils.types import Array, ArrayLike

# {name: (function, its derivative in terms of its value)}
FUNCTIONS = {
    "identity": (lambda z: z, lambda y: 1.0),
    "relu": (lambda z: max(z, 0.0), lambda y: 1.0 if y > 0 else 0.0),
    "sigmoid": (lambda z: 0.5 + 0.5 * math.tanh(z / 2), lambda y: y * (1 - y)),
    "tanh": (math.tanh, lambda y: 1 - y * y),
}


class Neuron(Module):
    """Weighted sum and activation: y = f(w_1 x_1 + ... + w_I x_I + b).

    x (N, in_features) -> y (N, 1). activation: one of FUNCTIONS. Written as loops over numbers,
    for readers; ``explain`` returns the arithmetic as text. Equal to Linear(in_features, 1) and
    the activation. Source: McCulloch and Pitts 1943.

    Raises NpNNError for a size below 1, another activation, and an input of another width.
    """

    takes = "rows"

    def __init__(self, in_features: int, activation: str = "sigmoid") -> None:
        super().__init__(in_features=in_features, activation=activation)
        check_range(f"{self}: the size", in_features, most=WIDEST)
        if activation not in FUNCTIONS:
            raise unknown_name("activation", activation, FUNCTIONS)
        self.weight = Parameter(
            initializers.default((in_features, 1), in_features, 1), transposed=True
        )
        self.bias = Parameter(initializers.default((1,), in_features, 1))
        self.function, self.derivative = FUNCTIONS[activation]

    def forward(self, x: Array) -> Array:
        if x.ndim != 2 or x.shape[1] != self.weight.shape[0]:
            raise NpNNError(f"{self} expects (batch, {self.weight.shape[0]}), got {x.shape}")
        self.ctx.x = x
        self.ctx.y = [self.function(self._weighted_sum(sample)) for sample in x]
        return np.array(self.ctx.y, x.dtype).reshape(-1, 1)

    def _weighted_sum(self, sample):
        total = float(self.bias.data[0])
        for weight, value in zip(self.weight.data[:, 0], sample, strict=True):
            total += float(weight) * float(value)
        return total

    def backward(self, grad: Array, input_grad: bool = True) -> Array | None:
        weight, out = self.weight.data[:, 0], np.zeros_like(self.ctx.x)
        self.weight.grad[...] = 0
        self.bias.grad[...] = 0
        for n, (sample, y) in enumerate(zip(self.ctx.x, self.ctx.y, strict=True)):
            slope = float(grad[n, 0]) * self.derivative(y)  # dL/d(weighted sum)
            self.bias.grad[0] += slope
            for i, value in enumerate(sample):
                self.weight.grad[i, 0] += slope * value
                out[n, i] = slope * weight[i]
        return out if input_grad else None

    def explain(self, x: ArrayLike) -> str:
        """Return the arithmetic for one sample x (in_features,) as text."""
        x = numbers(x, "Neuron.explain: x")
        if x.shape != self.weight.shape[:1]:
            raise NpNNError(f"{self} explains one sample ({len(self.weight.data)},), got {x.shape}")
        total, weights = self._weighted_sum(x), self.weight.data[:, 0]
        terms = " + ".join(f"({w:.3g})({v:.3g})" for w, v in zip(weights, x, strict=True))
        name = self.config["activation"]
        return (
            f"weighted sum: {terms} + {self.bias.data[0]:.3g} = {total:.4g}\n"
            f"output: {name}({total:.4g}) = {self.function(total):.4g}"
        )
