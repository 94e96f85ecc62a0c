"""Layers that set random inputs to zero while training."""

import numpy as np

from np_nn import ops
from np_nn.layers import initializers
from np_nn.layers.module import Module
from np_nn.layers.sparse import SparseBatch
from np_nn.reference import Rows
from np_nn.utils.errors import NpNNError
from np_nn.utils.types import Array


class Dropout(Module):
    """Inputs set to 0 with probability p, the others to x / (1 - p); PyTorch's Dropout.

    x of any shape, or a SparseBatch -> the same shape. After ``eval()`` y = x. The random
    numbers come from ``stream``, which `fit` restarts from its seed.

    Raises NpNNError unless 0 <= p < 1. Source: Srivastava et al. 2014.
    """

    def __init__(self, p: float = 0.5) -> None:
        super().__init__(p=p)
        if not 0 <= p < 1:
            raise NpNNError(f"{self}: p must be at least 0 and below 1, got {p}")
        self.p = p
        self.stream = initializers.stream()

    def forward(self, x: Array) -> Array:
        self.ctx.key = self.stream.next() if self.training and self.p else None
        if self.ctx.key is None:
            return x
        if isinstance(x, SparseBatch):
            return _drop_pixels(x, self.p, self.ctx.key)
        return self._drop(x, self._work("out", x.shape, x.dtype))

    def backward(self, grad: Array, input_grad: bool = True) -> Array | None:
        if self.ctx.key is None or not input_grad:
            return grad
        return self._drop(grad, self._work("grad", grad.shape, grad.dtype))

    def _drop(self, x, out):
        return ops.dropout(x, self.p, self.ctx.key, out)


class Dropout2d(Dropout):
    """Dropout of whole channels of images, the others divided by 1 - p; PyTorch's Dropout2d.

    x (N, C, H, W) -> the same shape. Neighbouring pixels are so similar that a network can
    replace those dropped singly. Random number n C + c decides on channel c of image n.

    Raises NpNNError unless 0 <= p < 1, and for an input of another rank. Source: Tompson et al.
    2015, Efficient object localization using convolutional networks.
    """

    takes = "images"

    def forward(self, x: Array) -> Array:
        if x.ndim != 4:
            raise NpNNError(f"{self} expects (batch, channels, height, width), got {x.shape}")
        return super().forward(x)

    def _drop(self, x, out):
        ones = np.ones(x.shape[:2], x.dtype)
        share = ops.dropout(ones, self.p, self.ctx.key, np.empty_like(ones))
        return np.multiply(x, share[:, :, None, None], out=out)


def _drop_pixels(batch, p, key):
    """Apply dropout to compressed rows: only the non-zero pixels can be dropped."""
    rows, indices = batch.rows, np.asarray(batch.indices)
    starts, lengths = rows.indptr[indices], np.diff(rows.indptr)[indices]
    indptr = np.zeros(len(indices) + 1, np.int64)
    np.cumsum(lengths, out=indptr[1:])
    entries = np.arange(indptr[-1]) + np.repeat(starts - indptr[:-1], lengths)
    columns = rows.columns[entries]
    place = np.repeat(np.arange(len(indices)) * rows.width, lengths) + columns
    kept = ops.kept_by_dropout(place.astype(np.uint32), p, key)
    values = rows.values[entries] * kept
    return SparseBatch(
        Rows(indptr, columns, values, rows.width),
        np.arange(len(indices)),
        batch.scale / (1 - p),
        batch.shift,
    )
