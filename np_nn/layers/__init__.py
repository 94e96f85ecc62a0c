"""The layers, one family per file. Each is a Module with a forward and a backward."""

from np_nn.layers.activations import (
    ELU,
    GELU,
    LeakyReLU,
    LogSoftmax,
    ReLU,
    ScaledTanh,
    Sigmoid,
    SiLU,
    Softmax,
    Tanh,
)
from np_nn.layers.linear import Linear
from np_nn.layers.neuron import Neuron
from np_nn.layers.noise import Dropout, GaussianNoise
from np_nn.layers.norm import BatchNorm1d, LayerNorm
from np_nn.layers.shape import Flatten, Residual

__all__ = [
    "ELU",
    "GELU",
    "BatchNorm1d",
    "Dropout",
    "Flatten",
    "GaussianNoise",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "LogSoftmax",
    "Neuron",
    "ReLU",
    "Residual",
    "ScaledTanh",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Tanh",
]
