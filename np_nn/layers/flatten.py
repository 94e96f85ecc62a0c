"""A layer that makes a row of each image."""

import math

from np_nn.layers.module import Module
from np_nn.layers.sparse import SparseBatch


class Flatten(Module):
    """x (N, ...) -> (N, product of the rest), PyTorch's Flatten; a SparseBatch stays as it is."""

    onnx = "Flatten", {}

    def forward(self, x):
        self.ctx.shape = x.shape
        return x if isinstance(x, SparseBatch) else x.reshape(len(x), math.prod(x.shape[1:]))

    def backward(self, grad, input_grad=True):
        return grad.reshape(self.ctx.shape) if input_grad else None
