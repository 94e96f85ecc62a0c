"""The layers, one family per file. Each is a Module with a forward and a backward."""

from np_nn.layers.activations import ReLU
from np_nn.layers.linear import Linear

__all__ = ["Linear", "ReLU"]
