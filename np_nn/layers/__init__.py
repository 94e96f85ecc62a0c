"""Layers, one family per file. Each is a Module with a forward and a backward."""

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
from np_nn.layers.convolution import Conv2d
from np_nn.layers.dropout import Dropout, Dropout2d
from np_nn.layers.flatten import Flatten
from np_nn.layers.linear import Linear
from np_nn.layers.neuron import Neuron
from np_nn.layers.noise import GaussianNoise
from np_nn.layers.norm import BatchNorm1d, BatchNorm2d, LayerNorm
from np_nn.layers.pooling import AdaptiveAvgPool2d, AvgPool2d, MaxPool2d
from np_nn.layers.residual import Residual

__all__ = [
    "ELU", "GELU", "AdaptiveAvgPool2d", "AvgPool2d", "BatchNorm1d", "BatchNorm2d", "Conv2d",
    "Dropout", "Dropout2d", "Flatten", "GaussianNoise", "LayerNorm", "LeakyReLU", "Linear",
    "LogSoftmax", "MaxPool2d", "Neuron",
    "ReLU", "Residual", "ScaledTanh", "SiLU", "Sigmoid", "Softmax",
    "Tanh",
]  # fmt: skip
