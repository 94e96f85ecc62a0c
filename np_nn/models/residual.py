"""Networks with skip connections: a perceptron and a small ResNet."""

from collections.abc import Sequence

from np_nn.layers import (
    AdaptiveAvgPool2d,
    BatchNorm2d,
    Conv2d,
    Flatten,
    Linear,
    Residual,
)
from np_nn.layers.module import Sequential
from np_nn.models.mlp import mlp
from np_nn.models.parts import ACTIVATIONS, channels_of
from np_nn.utils import spec
from np_nn.utils.errors import NpNNError
from np_nn.utils.types import Shape


def residual_mlp(
    inputs: int = 784, classes: int = 10, *, activation: str = "relu", bias: bool = True,
    output: str = "none",
) -> Sequential:  # fmt: skip
    """Build y = f(x + x W) V: a square layer with a shortcut, an activation, and a Linear layer.

    Args:
        inputs: numbers of a sample.
        classes: number of outputs.
        activation: see `mlp`.
        bias: see `mlp`.
        output: see `mlp`.

    Source: willxxy/np_nn, resnet_np.py. Its gradient of W is a sum of two, with and without the
    derivative of f; only the one with it is right, and is used here.
    """
    return Sequential(
        Residual(Linear(inputs, inputs, bias=bias)),
        spec.build(activation, ACTIVATIONS, "activation"),
        *mlp((inputs, classes), bias=bias, output=output),
    )


def resnet(
    image: Shape = (1, 28, 28), classes: int = 10, *, channels: Sequence[int] = (16, 32, 64),
    activation: str = "relu", bias: bool = True, output: str = "none",
) -> Sequential:  # fmt: skip
    """Build a small ResNet: a convolution, stages of two basic blocks each, and a mean.

    Args:
        image: (C, H, W) of an input.
        classes: number of outputs.
        channels: of the stages; from the second on, a stage halves height and width.
        activation: see `mlp`.
        output: see `mlp`.
        bias: give the last layer a bias; after convolutions, the normalisations' biases suffice.

    Raises:
        NpNNError: without channels.

    Source: He et al. 2016, Deep residual learning for image recognition, whose networks for
    CIFAR-10 are such stages; shortcuts of 1 x 1 convolutions.
    """
    if not channels:
        raise NpNNError("resnet needs the channels of at least one stage")
    layers = [
        Conv2d(channels_of(image), channels[0], 3, padding=1, bias=False),
        BatchNorm2d(channels[0]),
        spec.build(activation, ACTIVATIONS, "activation"),
    ]
    before = channels[0]
    for stage, count in enumerate(channels):
        layers += _basic_block(before, count, 2 if stage else 1, activation)
        layers += _basic_block(count, count, 1, activation)
        before = count
    head = mlp((before, classes), bias=bias, output=output)
    return Sequential(*layers, AdaptiveAvgPool2d(1), Flatten(), *head)


def _basic_block(inputs, outputs, stride, activation):
    """Return a Residual of two convolutions, and the activation of the sum."""
    block = Sequential(
        Conv2d(inputs, outputs, 3, stride, padding=1, bias=False),
        BatchNorm2d(outputs),
        spec.build(activation, ACTIVATIONS, "activation"),
        Conv2d(outputs, outputs, 3, padding=1, bias=False),
        BatchNorm2d(outputs),
    )
    shortcut = None
    if stride > 1 or inputs != outputs:
        shortcut = Sequential(Conv2d(inputs, outputs, 1, stride, bias=False), BatchNorm2d(outputs))
    return Residual(block, shortcut), spec.build(activation, ACTIVATIONS, "activation")
