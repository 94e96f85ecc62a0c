"""One sample's way through a network, forward and back, with the numbers of every layer kept."""

from dataclasses import dataclass

import numpy as np

from np_nn.layers import Dropout, Dropout2d, Flatten, GaussianNoise, Linear
from np_nn.layers.module import Module, inference, is_chain
from np_nn.utils.arrays import as_input
from np_nn.utils.errors import NpNNError

# Layers that leave a sample's numbers as they are, once training is over.
PASSIVE = (Dropout, Dropout2d, Flatten, GaussianNoise)


@dataclass(frozen=True, eq=False)
class Stage:
    """A layer, its output for the sample, and the loss's gradient with respect to that."""

    layer: Module
    output: np.ndarray
    grad: np.ndarray


@dataclass(frozen=True, eq=False)
class Unit:
    """One unit of a Linear layer, h = sum_i x[i] w[i] + b, and what the next layer makes of it.

    number: which unit, from 0. x: what the layer is given, of any shape; w: the unit's weights, of
    the same; b: its bias, 0.0 without one; h, grad_h: its weighted sum, and dL/dh. a, grad_a: the
    same unit after the next layer, which is the activation, and dL/da; None if there is no next.
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
    def grad_w(self):
        """dL/dw = dL/dh x, of the shape of w."""
        return self.grad_h * self.x


@dataclass(frozen=True, eq=False)
class Trace:
    """Result of `trace`. All arrays are the caller's own, without the batch's axis.

    x, grad: the sample and dL/dx, the saliency. stages: a Stage for each layer but those that
    change no number, such as Flatten and Dropout; the last one's output (C,) are the logits.
    loss: L, a float.
    """

    x: np.ndarray
    grad: np.ndarray
    stages: tuple[Stage, ...]
    loss: float

    def unit(self, number=None):
        """A ``Unit`` of the first Linear layer, with the model's weights as they are now.

        number: from 0; None for the unit that says most to the loss, by the size of h dL/dh.
        Raises NpNNError for a number out of range and for a network without Linear layers.
        """
        at = self.first_linear
        (sums, after), layer = (*self.stages[at:], None)[:2], self.stages[at].layer
        if number is None:
            number = int(np.abs(sums.output * sums.grad).argmax())
        if not 0 <= number < len(sums.output):
            raise NpNNError(f"the unit must be 0..{len(sums.output) - 1}, not {number}")
        x = self.stages[at - 1].output if at else self.x
        return Unit(
            number,
            x,
            layer.weight.data[:, number].reshape(x.shape).copy(),
            float(layer.bias.data[number]) if layer.bias else 0.0,
            float(sums.output[number]),
            float(sums.grad[number]),
            after and float(after.output[number]),
            after and float(after.grad[number]),
        )

    @property
    def first_linear(self):
        """The index of the first Linear layer's stage. Raises NpNNError if there is none."""
        for index, stage in enumerate(self.stages):
            if type(stage.layer) is Linear:
                return index
        raise NpNNError("the network has no Linear layer whose unit could be followed")


def trace(model, x, target, loss):
    """Lead one sample through the layers of a Sequential, and dL/d(output) back; a Trace.

    The model is used as after ``eval()``; its parameters' ``grad`` hold dL/d(parameter).

    Args:
        model: Sequential.
        x: (I,) or (C, H, W), as the first layer takes it but for the batch's axis.
        target: class of x, or its values (C,), as the loss takes them.
        loss: Loss.

    Raises:
        NpNNError: for a model that is no Sequential, and what the layers and the loss raise for
            shapes that do not fit.

    Source: Rumelhart, Hinton and Williams 1986.
    """
    if not is_chain(model):
        raise NpNNError(f"only the layers of a Sequential can be followed, not {model!r}")
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
