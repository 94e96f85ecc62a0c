"""Multilayer perceptron."""

from collections.abc import Sequence
from itertools import pairwise

from np_nn.layers import Dropout, GaussianNoise, Linear, Residual
from np_nn.layers.module import Module, Sequential
from np_nn.models.parts import ACTIVATIONS, NORMS, OUTPUTS
from np_nn.utils import spec
from np_nn.utils.errors import NpNNError, unknown_name


def mlp(
    sizes: Sequence[int], activation: str = "relu", bias: bool = True, *, norm: str = "none",
    noise: float = 0.0, input_noise: float = 0.0, dropout: float = 0.0, input_dropout: float = 0.0,
    residual: bool = False, output: str = "none",
) -> Sequential:  # fmt: skip
    """Build a multilayer perceptron: Linear layers with an activation between them.

    Args:
        sizes: width of every layer, inputs first: ``mlp((784, 512, 10))`` is Linear(784, 512),
            ReLU(), Linear(512, 10).
        activation: name in ACTIVATIONS, with options as in "leaky_relu:negative_slope=0.2".
        bias: give the Linear layers a bias.
        norm: name in NORMS, of the layer before each activation.
        noise: standard deviation of the GaussianNoise before each activation.
        input_noise: the same for the inputs.
        dropout: share dropped after each activation.
        input_dropout: the same for the inputs.
        residual: make hidden layers between equal widths Residual.
        output: name in OUTPUTS of the layer after the last Linear layer.

    Raises:
        NpNNError: for unknown names and numbers out of range.
    """
    if norm not in NORMS:
        raise unknown_name("normalisation", norm, NORMS)
    if len(sizes) < 2:
        raise NpNNError(f"mlp: sizes must be at least those of inputs and outputs, got {sizes}")
    *hidden, last = pairwise(sizes)
    layers: list[Module] = [Dropout(input_dropout)] if input_dropout else []
    layers += [GaussianNoise(input_noise)] if input_noise else []
    for inputs, outputs in hidden:
        block: list[Module] = [Linear(inputs, outputs, bias=bias)]
        block += [NORMS[norm](outputs)] if norm != "none" else []
        block += [GaussianNoise(noise)] if noise else []
        block += [spec.build(activation, ACTIVATIONS, "activation")]
        block += [Dropout(dropout)] if dropout else []
        skip = residual and inputs == outputs
        layers += [Residual(Sequential(*block))] if skip else block
    layers += [Linear(*last, bias=bias)]
    if output != "none":
        layers += [spec.build(output, OUTPUTS, "output")]
    return Sequential(*layers)
