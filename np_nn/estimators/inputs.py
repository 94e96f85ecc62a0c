"""Conversion of scikit-learn's X to the Split that trains fastest."""

import numpy as np
from sklearn.utils import assert_all_finite

from np_nn.data import Split
from np_nn.data.split import is_matrix
from np_nn.estimators.quantize import as_bytes
from np_nn.utils.arrays import as_float
from np_nn.utils.errors import NpNNError


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
        return as_float(X, np.float32, "X"), targets
    images, scale, shift = found
    return np.ascontiguousarray(images), targets, scale, shift


def _matrix(X, targets):
    if not X.has_canonical_format:  # canonical: each entry once, in order
        X = X.copy()
        X.sum_duplicates()
    found = as_bytes(X.data[:, None])
    if found is None or found[2]:  # a shift would also move the zeros, which are not stored
        values, scale = as_float(X.data, np.float32, "X"), None
    else:
        values, scale = found[0][:, 0], found[1]
    return type(X)((values, X.indices, X.indptr), X.shape), targets, scale


def as_numbers(values, name):
    """Return an array of numbers; objects, such as Decimals, become float64.

    Raises NpNNError for dates, text and records, and for objects that are not finite numbers.
    """
    array = np.asarray(values)
    if array.dtype.kind == "O":
        array = np.array(array.tolist())  # of the dtype that the objects have
    if array.dtype.kind == "O":
        try:
            array = array.astype(np.float64)
        except (TypeError, ValueError, OverflowError):
            raise NpNNError(f"{name} must be numbers, got objects") from None
        assert_all_finite(array, input_name=name)
    check_numeric(array.dtype, name)
    return array


def check_numeric(dtype, name):
    """Raise NpNNError unless a dtype is one of real numbers; name: what has it, for the message."""
    if dtype.kind not in "biuf":
        raise NpNNError(f"{name} must be numbers, got {dtype}")


def take(split, indices):
    """Return the Split of the samples at `indices`."""
    return Split(split.images[indices], split.labels[indices], split.scale, split.shift)
