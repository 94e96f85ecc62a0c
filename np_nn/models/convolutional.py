"""Networks of two convolutions followed by an mlp."""

from collections.abc import Sequence

import numpy as np

from np_nn.layers import Conv2d, Dropout, Flatten, MaxPool2d
from np_nn.layers.module import Sequential, inference
from np_nn.models.mlp import mlp
from np_nn.models.parts import ACTIVATIONS, channels_of
from np_nn.utils import spec
from np_nn.utils.errors import NpNNError
from np_nn.utils.types import Shape


def lenet5(
    image: Shape = (1, 28, 28), classes: int = 10, *, channels: Sequence[int] = (6, 16),
    hidden: Sequence[int] = (120, 84), activation: str = "relu", bias: bool = True,
    dropout: float = 0.0, output: str = "none",
) -> Sequential:  # fmt: skip
    """Build LeNet-5: two convolutions of 5 x 5, each with a pooling, and two hidden layers.

    The modern variant: ReLU and max pooling instead of scaled tanh and averages, every channel
    connected to all before it, logits instead of RBF units.

    Args:
        image: (C, H, W) of an input.
        classes: number of outputs.
        channels: of the two convolutions.
        hidden: widths of the hidden layers.
        activation: see `mlp`.
        bias: see `mlp`.
        output: see `mlp`.
        dropout: share dropped after each hidden layer.

    Raises:
        NpNNError: for another number of channels, and an image that is too small.

    Source: LeCun et al. 1998, Gradient-based learning applied to document recognition.
    """
    features = _pooled("lenet5", image, channels, (5, 5), 2, activation, bias)
    return _with_mlp(features, image, hidden, classes, activation, bias, dropout, output)


def lenet(
    image: Shape = (1, 28, 28), classes: int = 10, *, channels: Sequence[int] = (16, 32),
    hidden: Sequence[int] = (64,), activation: str = "relu", bias: bool = True,
    dropout: float = 0.0, output: str = "none",
) -> Sequential:  # fmt: skip
    """Build a LeNet for speed: convolutions of 5 x 5 and 3 x 3, with poolings; one hidden layer.

    Arguments and errors: see `lenet5`. No padding, whose pixels are black; the default numbers of
    channels fill whole vectors. Designed for np_nn.
    """
    features = _pooled("lenet", image, channels, (5, 3), 0, activation, bias)
    return _with_mlp(features, image, hidden, classes, activation, bias, dropout, output)


def convnet(
    image: Shape = (1, 28, 28), classes: int = 10, *, channels: Sequence[int] = (32, 64),
    hidden: Sequence[int] = (128,), activation: str = "relu", bias: bool = True,
    dropout: float = 0.5, output: str = "none",
) -> Sequential:  # fmt: skip
    """Build two convolutions of 3 x 3, one pooling, and an mlp with dropout.

    Arguments and errors: see `lenet5`. dropout: share dropped after each hidden layer; half of it
    is dropped before the mlp. Source: PyTorch, examples/mnist.
    """
    first, second = _two("convnet", channels)
    features = [
        Conv2d(channels_of(image), first, 3, bias=bias),
        spec.build(activation, ACTIVATIONS, "activation"),
        Conv2d(first, second, 3, bias=bias),
        spec.build(activation, ACTIVATIONS, "activation"),
        MaxPool2d(2),
        *([Dropout(dropout / 2)] if dropout else []),
        Flatten(),
    ]
    return _with_mlp(features, image, hidden, classes, activation, bias, dropout, output)


def simard(
    image: Shape = (1, 28, 28), classes: int = 10, *, channels: Sequence[int] = (5, 50),
    hidden: Sequence[int] = (100,), activation: str = "relu", bias: bool = True,
    dropout: float = 0.0, output: str = "none",
) -> Sequential:  # fmt: skip
    """Build two convolutions of 5 x 5 with stride 2, no pooling, and an mlp.

    Arguments and errors: see `lenet5`. The source pads images of 28 x 28 to 29 x 29. The padding
    here has the same effect: no window reaches its last row and column. Source: Simard,
    Steinkraus, Platt 2003, Best practices for convolutional neural networks.
    """
    first, second = _two("simard", channels)
    features = [
        Conv2d(channels_of(image), first, 5, stride=2, padding=1, bias=bias),
        spec.build(activation, ACTIVATIONS, "activation"),
        Conv2d(first, second, 5, stride=2, bias=bias),
        spec.build(activation, ACTIVATIONS, "activation"),
        Flatten(),
    ]
    return _with_mlp(features, image, hidden, classes, activation, bias, dropout, output)


def _pooled(name, image, channels, kernels, padding, activation, bias):
    """Return two convolutions, each with an activation and a pooling by two, and a Flatten."""
    first, second = _two(name, channels)
    return [
        Conv2d(channels_of(image), first, kernels[0], padding=padding, bias=bias),
        spec.build(activation, ACTIVATIONS, "activation"),
        MaxPool2d(2),
        Conv2d(first, second, kernels[1], bias=bias),
        spec.build(activation, ACTIVATIONS, "activation"),
        MaxPool2d(2),
        Flatten(),
    ]


def _with_mlp(features, image, hidden, classes, activation, bias, dropout, output):
    sizes = _count(features, image), *hidden, classes
    return Sequential(*features, *mlp(sizes, activation, bias, dropout=dropout, output=output))


def _two(name, channels):
    if len(channels) != 2:
        raise NpNNError(f"{name} has two convolutions: two channels are needed, not {channels}")
    return channels


def _count(layers, image):
    """Return the number of outputs of the layers for one image."""
    with inference():
        return Sequential(*layers)(np.zeros((1, *image), np.float32)).shape[1]
