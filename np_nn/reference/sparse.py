"""Sparse images: compressed rows that hold only the non-zero pixels.

Image m has the pixels columns[k], with the values values[k], for k from indptr[m] to
indptr[m + 1]. A layer that reads them multiplies a fifth of MNIST's numbers. NumPy has no
such product: the specification expands the rows and calls the dense functions; only the
compiled kernels are faster.
"""

from typing import NamedTuple

import numpy as np

from np_nn.reference.linear import linear_backward_weight, linear_forward


class Rows(NamedTuple):
    """Compressed rows of M images with I pixels: the CSR format of sparse matrices.

    indptr (M + 1,) int64; columns (K,) uint16, rising within an image; values (K,) uint8;
    width: I.
    """

    indptr: np.ndarray
    columns: np.ndarray
    values: np.ndarray
    width: int


def compress(images):
    """Return the Rows of images (M, I) uint8, I at most 65,535."""
    filled = images != 0
    indptr = np.zeros(len(images) + 1, np.int64)
    np.cumsum(filled.sum(axis=1), out=indptr[1:])
    columns = np.nonzero(filled)[1].astype(np.uint16)
    return Rows(indptr, columns, images[filled], images.shape[1])


def expand(rows, indices, scale, shift, out):
    """Write a batch as a dense array, equal to ``gather`` on the images before compression.

    rows of M images, indices (N,) int, out (N, I) float.
    """
    out[...] = 0
    for n, m in enumerate(indices):
        filled = slice(rows.indptr[m], rows.indptr[m + 1])
        out[n, rows.columns[filled]] = rows.values[filled]
    if scale != 1:
        out *= scale
    if shift:
        out += shift
    return out


def sparse_linear_forward(rows, indices, scale, shift, weight, bias, out):
    """Compute ``linear_forward`` for images ``indices`` (N,) of compressed rows; out (N, O).

    A shift makes zero pixels non-zero, but adds the same term to every image:
    x W = scale * pixels W + shift * (sum of W's rows).
    """
    x = expand(rows, indices, scale, shift, np.empty((len(indices), rows.width), weight.dtype))
    return linear_forward(x, weight, bias, out)


def sparse_linear_backward_weight(rows, indices, scale, shift, grad, out):
    """Compute ``linear_backward_weight`` for compressed rows: grad (N, O), out (I, O)."""
    x = expand(rows, indices, scale, shift, np.empty((len(indices), rows.width), grad.dtype))
    return linear_backward_weight(x, grad, out)
