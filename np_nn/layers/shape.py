"""Layers that change how others are put together: Flatten and Residual."""

import math

from np_nn.errors import NpNNError
from np_nn.module import Module
from np_nn.sparse import SparseBatch


class Flatten(Module):
    """x (N, ...) -> (N, product of the rest), PyTorch's Flatten; a SparseBatch stays as it is."""

    def forward(self, x):
        self._shape = x.shape
        return x if isinstance(x, SparseBatch) else x.reshape(len(x), math.prod(x.shape[1:]))

    def backward(self, grad, input_grad=True):
        return grad.reshape(self._shape) if input_grad else None


class Residual(Module):
    """y = x + block(x): a connection that skips a block of layers.

    block: a Module whose output has its input's shape. The gradient goes both ways and is
    summed: dL/dx = dL/dy + block.backward(dL/dy).

    Raises NpNNError if the block changes the shape. Source: He et al. 2016.
    """

    def __init__(self, block):
        super().__init__()
        self.block = block

    def __repr__(self):
        return f"Residual({self.block!r})"

    def forward(self, x):
        y = self.block.forward(x)
        if y.shape != x.shape:
            raise NpNNError(f"{self}: the block makes {y.shape} of {x.shape}; it must keep shapes")
        out = self._work("out", x.shape, x.dtype)
        out[...] = x
        out += y
        return out

    def backward(self, grad, input_grad=True):
        inner = self.block.backward(grad, input_grad)
        if not input_grad:
            return None
        out = self._work("grad", grad.shape, grad.dtype)
        out[...] = grad
        out += inner
        return out
