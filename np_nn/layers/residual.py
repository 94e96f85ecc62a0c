"""A connection that skips a block of layers."""

from collections.abc import Callable

import numpy as np

from np_nn import ops
from np_nn.layers.module import Module
from np_nn.utils.errors import NpNNError
from np_nn.utils.types import Array


class Residual(Module):
    """y = shortcut(x) + block(x): a connection that skips a block of layers.

    block, shortcut: Modules that make arrays of one shape. Without a shortcut y = x + block(x),
    and the block keeps its input's shape. The gradient goes both ways and is summed:
    dL/dx = shortcut.backward(dL/dy) + block.backward(dL/dy).

    Raises NpNNError if the shapes differ, and for a Module that stands at two places.
    Source: He et al. 2016.
    """

    def __init__(self, block: Module, shortcut: Module | None = None) -> None:
        super().__init__()
        self.block, self.shortcut = block, shortcut
        self.check_places()

    def __repr__(self):
        return f"{type(self).__name__}({', '.join(map(repr, self.children().values()))})"

    def forward(self, x: Array) -> Array:
        return self.meet(ops.add, x)

    def meet(self, operation: Callable[..., Array], x: Array, reuse: bool = False) -> Array:
        """Return the output, by ``add`` or an operation that does more at once.

        reuse: write it over the block's output, unless the input lies there.
        """
        y = self.block.forward(x)
        skip = self.shortcut.forward(x) if self.shortcut is not None else x
        if y.shape != skip.shape:
            raise NpNNError(self._complaint(x, y, skip))
        here = reuse and not np.may_share_memory(y, x) and not np.may_share_memory(y, skip)
        return operation(y, skip, y if here else self._work("out", y.shape, y.dtype))

    def _complaint(self, x, y, skip):
        if self.shortcut is not None:
            made = f"{y.shape} and the shortcut {skip.shape}"
            return f"{self}: the block makes {made} of {x.shape}; they must be alike"
        return f"{self}: the block makes {y.shape} of {x.shape}; it must keep shapes"

    def backward(self, grad: Array, input_grad: bool = True) -> Array | None:
        inner = self.block.backward(grad, input_grad)
        skip = self.shortcut.backward(grad, input_grad) if self.shortcut is not None else grad
        if not input_grad:
            return None
        return ops.add(inner, skip, self._work("grad", inner.shape, inner.dtype))
