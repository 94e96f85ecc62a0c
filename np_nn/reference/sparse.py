"""Images most of whose pixels are zero.

Compressed rows hold only what is not zero: image m has the pixels columns[k], with the
values values[k], for k from indptr[m] to indptr[m + 1]. A layer that reads them multiplies
a fifth of MNIST's numbers. NumPy has no such product: here the specification is to expand
them and go on as before, and the compiled kernels are what makes it fast.
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
    """The Rows of images (M, I) uint8, I at most 65,535."""
    filled = images != 0
    indptr = np.zeros(len(images) + 1, np.int64)
    np.cumsum(filled.sum(axis=1), out=indptr[1:])
    columns = np.nonzero(filled)[1].astype(np.uint16)
    return Rows(indptr, columns, images[filled], images.shape[1])


def expand(rows, indices, scale, shift, out):
    """One batch as a dense array: what ``gather`` makes of the images that were compressed.

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
    """``linear_forward`` for the images ``indices`` (N,) of compressed rows; out (N, O).

    With a shift no input is 0, but those of the pixels left out are all alike:
    x W = scale * pixels W + shift * (sum of W's rows).
    """
    x = expand(rows, indices, scale, shift, np.empty((len(indices), rows.width), weight.dtype))
    return linear_forward(x, weight, bias, out)


def sparse_linear_backward_weight(rows, indices, scale, shift, grad, out):
    """``linear_backward_weight`` for compressed rows: grad (N, O), out (I, O)."""
    x = expand(rows, indices, scale, shift, np.empty((len(indices), rows.width), grad.dtype))
    return linear_backward_weight(x, grad, out)
