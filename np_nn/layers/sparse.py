"""Sparse batches, which ``Linear`` takes in place of an array.

Each can be multiplied by a weight (I, O) and, transposed, by a gradient (N, O): the two products
that a first layer computes from its input.
"""

from dataclasses import dataclass

import numpy as np

from np_nn import ops
from np_nn.reference import Rows


@dataclass(frozen=True)
class SparseBatch:
    """Batch of images (N, I) from a compressed set.

    rows: reference.Rows of the whole set; indices (N,) int64; a pixel
    p is taken as scale * p + shift.
    """

    rows: Rows
    indices: np.ndarray
    scale: float
    shift: float
    ndim = 2

    def __len__(self):
        return len(self.indices)

    @property
    def shape(self):
        return len(self.indices), self.rows.width

    def times(self, weight, bias, out):
        """Compute out (N, O) = batch @ weight + bias; bias may be None."""
        return ops.sparse_linear_forward(*self._pixels, weight, bias, out)

    def transposed_times(self, grad, out):
        """Compute out (I, O) = batch.T @ grad."""
        return ops.sparse_linear_backward_weight(*self._pixels, grad, out)

    @property
    def _pixels(self):
        return self.rows, self.indices, self.scale, self.shift


@dataclass(frozen=True)
class MatrixBatch:
    """Batch of rows (N, I) of a sparse matrix: matrix is a scipy.sparse CSR array of floats."""

    matrix: object
    ndim = 2

    def __len__(self):
        return self.matrix.shape[0]

    @property
    def shape(self):
        return self.matrix.shape

    def times(self, weight, bias, out):
        """Compute out (N, O) = batch @ weight + bias; bias may be None."""
        out[...] = self.matrix @ weight
        if bias is not None:
            out += bias
        return out

    def transposed_times(self, grad, out):
        """Compute out (I, O) = batch.T @ grad."""
        out[...] = self.matrix.T @ grad
        return out
