"""X as scikit-learn's users have it, as the Split that trains fastest."""

import numpy as np

from np_nn.data import Split
from np_nn.data.split import is_matrix
from np_nn.estimators.quantize import as_bytes


def as_split(X, targets=None):
    """The Split of X (n, I), a dense array or a CSR matrix of numbers; targets None: any.

    Pixels and other evenly spaced levels become bytes, which the compressed kernels read; other
    numbers become float32. X is left as it is, and no matrix is made dense.
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
    if not X.has_canonical_format:  # each place once, in order
        X = X.copy()
        X.sum_duplicates()
    found = as_bytes(X.data[:, None])
    if found is None or found[2]:  # a shift would move the zeros, too
        return X.astype(np.float32), targets
    values, scale, _ = found
    return type(X)((values[:, 0], X.indices, X.indptr), X.shape), targets, scale


def take(split, indices):
    """The Split of some of the samples."""
    return Split(split.images[indices], split.labels[indices], split.scale, split.shift)
