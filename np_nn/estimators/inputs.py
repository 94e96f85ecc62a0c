"""Conversion of scikit-learn's X to the Split that trains fastest."""

import numpy as np

from np_nn.data import Split
from np_nn.data.split import is_matrix
from np_nn.estimators.quantize import as_bytes


def as_split(X, targets=None):
    """Return the Split of X (n, I), a dense array or a CSR matrix; targets None: zeros.

    Pixels and other evenly spaced levels become uint8 for the compressed kernels; other numbers
    become float32. X is not changed, and CSR stays sparse.
    """
    if targets is None:
        targets = np.zeros(X.shape[0], np.int64)
    return Split(*_matrix(X, targets)) if is_matrix(X) else Split(*_array(X, targets))


def _array(X, targets):
    found = as_bytes(X)
    if found is None:
        return np.ascontiguousarray(X, np.float32), targets
    images, scale, shift = found
    return np.ascontiguousarray(images), targets, scale, shift


def _matrix(X, targets):
    if not X.has_canonical_format:  # canonical: each entry once, in order
        X = X.copy()
        X.sum_duplicates()
    found = as_bytes(X.data[:, None])
    if found is None or found[2]:  # a shift would also move the zeros, which are not stored
        return X.astype(np.float32), targets
    values, scale, _ = found
    return type(X)((values[:, 0], X.indices, X.indptr), X.shape), targets, scale


def take(split, indices):
    """Return the Split of the samples at `indices`."""
    return Split(split.images[indices], split.labels[indices], split.scale, split.shift)
