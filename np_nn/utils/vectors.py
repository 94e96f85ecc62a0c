"""Arrays as one vector, the form in which solvers and the loss surface take a model's weights."""

import numpy as np


def to_vector(arrays):
    """Return arrays as one vector (P,), a copy, in the order given."""
    return np.concatenate([array.ravel() for array in arrays])


def from_vector(vector, arrays):
    """Copy a vector (P,) into arrays, in place: the inverse of ``to_vector``."""
    ends = np.cumsum([array.size for array in arrays])[:-1]
    for array, values in zip(arrays, np.split(vector, ends), strict=True):
        array[...] = values.reshape(array.shape)
