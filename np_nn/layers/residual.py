"""Residual connection: a block of layers beside a shortcut."""

from collections.abc import Callable

import numpy as np

from np_nn import ops
from np_nn.layers.module import Module
from np_nn.utils.errors import NpNNError
from np_nn.utils.types import Array


class Residual(Module):
    """Residual connection: y = shortcut(x) + block(x).

    block, shortcut: Modules whose outputs have the same shape. Without a shortcut y = x + block(x),
    and the block keeps its input's shape. The gradient is the sum over both paths:
    dL/dx = shortcut.backward(dL/dy) + block.backward(dL/dy).

    Raises NpNNError if the shapes differ, and for a Module that is used at two places.
    Source: He et al. 2016.
    """

    def __init__(self, block: Module, shortcut: Module | None = None) -> None:
        super().__init__()
        self.block, self.shortcut = block, shortcut
        self.check_places()

    def __repr__(self):
        return f"{type(self).__name__}({', '.join(map(repr, self.children().values()))})"

    def forward(self, x: Array) -> Array:
        return self.combine(ops.add, x)

    def combine(self, operation: Callable[..., Array], x: Array, reuse: bool = False) -> Array:
        """Return operation(block's output, shortcut's output): ``add``, or ``add_relu``.

        reuse: overwrite the block's output, unless it shares memory with the input.
        """
        y = self.block.forward(x)
        skip = self.shortcut.forward(x) if self.shortcut is not None else x
        if y.shape != skip.shape:
            raise NpNNError(self._shape_error(x, y, skip))
        here = reuse and not np.may_share_memory(y, x) and not np.may_share_memory(y, skip)
        return operation(y, skip, y if here else self._work("out", y.shape, y.dtype))

    def _shape_error(self, x, y, skip):
        made = f"{self}: for input {x.shape} the block returns {y.shape}"
        if self.shortcut is not None:
            return f"{made} and the shortcut {skip.shape}; both must have the same shape"
        return f"{made}; without a shortcut it must keep the input's shape"

    def backward(self, grad: Array, input_grad: bool = True) -> Array | None:
        inner = self.block.backward(grad, input_grad)
        skip = self.shortcut.backward(grad, input_grad) if self.shortcut is not None else grad
        if not input_grad:
            return None
        return ops.add(inner, skip, self._work("grad", inner.shape, inner.dtype))
