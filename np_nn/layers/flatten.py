"""Flatten: each image as a row."""

import math

from np_nn.layers.module import Module
from np_nn.layers.sparse import SparseBatch


class Flatten(Module):
    """Reshaping of x (N, ...) to (N, product of the rest); a SparseBatch is kept. PyTorch's."""

    onnx = "Flatten", {}

    def forward(self, x):
        self.ctx.shape = x.shape
        return x if isinstance(x, SparseBatch) else x.reshape(len(x), math.prod(x.shape[1:]))

    def backward(self, grad, input_grad=True):
        return grad.reshape(self.ctx.shape) if input_grad else None
