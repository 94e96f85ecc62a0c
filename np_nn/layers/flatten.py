"""Flatten: each image as a row."""

import math

from np_nn.layers.module import Module
from np_nn.layers.sparse import SparseBatch
from np_nn.utils.types import Array


class Flatten(Module):
    """Reshaping of x (N, ...) to (N, product of the rest); a SparseBatch is kept. PyTorch's."""

    onnx = "Flatten", {}

    def forward(self, x: Array) -> Array:
        self.ctx.shape = x.shape
        return x if isinstance(x, SparseBatch) else x.reshape(len(x), math.prod(x.shape[1:]))

    def backward(self, grad: Array, input_grad: bool = True) -> Array | None:
        return grad.reshape(self.ctx.shape) if input_grad else None
