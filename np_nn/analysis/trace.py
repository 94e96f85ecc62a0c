"""Trace of one sample through a network: every layer's output and gradient."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from np_nn.layers import Dropout, Dropout2d, Flatten, GaussianNoise, Linear
from np_nn.layers.module import Module, inference, is_chain
from np_nn.losses import Loss
from np_nn.utils.arguments import check_arguments
from np_nn.utils.arrays import as_input
from np_nn.utils.errors import NpNNError
from np_nn.utils.types import Array, ArrayLike

# Layers that do not change a sample's numbers in evaluation mode.
PASSIVE = (Dropout, Dropout2d, Flatten, GaussianNoise)


@dataclass(frozen=True, eq=False)
class Stage:
    """Layer, its output for the sample, and the loss's gradient with respect to that output."""

    layer: Module
    output: np.ndarray
    grad: np.ndarray


@dataclass(frozen=True, eq=False)
class Unit:
    """Unit of a Linear layer, h = sum_i x[i] w[i] + b, and its activation a.

    number: index of the unit, from 0. x: the layer's input, of any shape; w: the unit's weights,
    of that shape; b: its bias, 0.0 without one; h, grad_h: its weighted sum, and dL/dh. a, grad_a:
    the unit's output after the next layer, the activation, and dL/da; None without a next layer.
    """

    number: int
    x: np.ndarray
    w: np.ndarray
    b: float
    h: float
    grad_h: float
    a: float | None
    grad_a: float | None

    @property
    def grad_w(self) -> Array:
        """dL/dw = dL/dh x, of the shape of w."""
        return self.grad_h * self.x


@dataclass(frozen=True, eq=False)
class Trace:
    """Result of `trace`. All arrays are copies, without the batch axis.

    x, grad: the sample and dL/dx, the saliency. stages: a Stage for each layer except those that
    change no number, such as Flatten and Dropout; the last output (C,) is the logits. loss: L, a
    float.
    """

    x: np.ndarray
    grad: np.ndarray
    stages: tuple[Stage, ...]
    loss: float

    @check_arguments
    def unit(self, number: int | None = None) -> Unit:
        """Return a ``Unit`` of the first Linear layer, with the model's current weights.

        number: from 0; None for the unit with the largest effect on the loss, abs(h dL/dh).
        Raises NpNNError for a number out of range and for a network without Linear layers.
        """
        at = self.first_linear
        layer: Any = self.stages[at].layer
        sums, after = self.stages[at], self.stages[at + 1] if at + 1 < len(self.stages) else None
        if number is None:
            number = int(np.abs(sums.output * sums.grad).argmax())
        if not 0 <= number < len(sums.output):
            raise NpNNError(f"the unit must be 0..{len(sums.output) - 1}, got {number}")
        x = self.stages[at - 1].output if at else self.x
        return Unit(
            number,
            x,
            layer.weight.data[:, number].reshape(x.shape).copy(),
            float(layer.bias.data[number]) if layer.bias else 0.0,
            float(sums.output[number]),
            float(sums.grad[number]),
            float(after.output[number]) if after else None,
            float(after.grad[number]) if after else None,
        )

    @property
    def first_linear(self) -> int:
        """The index of the first Linear layer's stage. Raises NpNNError if there is none."""
        for index, stage in enumerate(self.stages):
            if type(stage.layer) is Linear:
                return index
        raise NpNNError("the network has no Linear layer: Trace.unit needs one")


def trace(model: Module, x: ArrayLike, target: ArrayLike, loss: Loss) -> Trace:
    """Run one sample forward and backward through a Sequential; return a Trace.

    The model runs in evaluation mode; afterwards its parameters' ``grad`` hold dL/d(parameter).

    Args:
        model: Sequential.
        x: (I,) or (C, H, W), an input of the first layer without the batch axis.
        target: class of x, or its values (C,), as the loss takes them.
        loss: Loss.

    Raises:
        NpNNError: if the model is not a Sequential, and as the layers and the loss do for shapes
            that do not fit.

    Source: Rumelhart, Hinton and Williams 1986.
    """
    if not is_chain(model):
        raise NpNNError(f"trace needs a Sequential, got {model!r}")
    batch, outputs, grads = np.array(as_input(x))[None], [], []
    out = batch
    with inference():
        for layer in model:
            out = layer.forward(out)
            outputs.append(out[0].copy())
    value = loss(out, np.asarray(target)[None])
    grad = loss.backward()
    for layer in reversed(model.layers):
        grads.append(grad[0].copy())
        grad = layer.backward(grad)
    stages = map(Stage, model, outputs, reversed(grads))
    changing = tuple(stage for stage in stages if not isinstance(stage.layer, PASSIVE))
    return Trace(batch[0], grad[0].copy(), changing, float(value))
