"""Fingerprint of a data set: equal for equal inputs and labels of a network."""

import hashlib

import numpy as np

from np_nn.data.split import is_matrix, is_stored

PARTS = ("scale", "shift", "images' SHA-256", "labels' SHA-256")


def fingerprint(split):
    """Return {part: value} of a Split, for each of PARTS; all None without a Split.

    Equal numbers have the same fingerprint for any type, byte order and layout of the caller's
    arrays, because a Split converts them. Images of a stored set have that of the set.
    """
    if split is None:
        return dict.fromkeys(PARTS)
    values = float(split.scale), float(split.shift), _images(split.images), digest(split.labels)
    return dict(zip(PARTS, values, strict=True))


def _images(images):
    if is_stored(images):
        return images.digest
    return digest(*(images.indptr, images.indices, images.data) if is_matrix(images) else (images,))


def digest(*arrays):
    """Return the SHA-256 (hex) of arrays: their types, shapes and numbers."""
    total = hashlib.sha256()
    for array in arrays:
        array = np.ascontiguousarray(array, _stored(array.dtype))
        total.update(f"{array.dtype.str} {array.shape}\n".encode())
        total.update(array.reshape(-1).view(np.uint8))
    return total.hexdigest()


def _stored(dtype):
    """Return the dtype for hashing: little-endian; integers other than bytes as int64.

    The width of scipy.sparse's indices and of labels depends on the machine.
    """
    if dtype.kind in "iu" and dtype.itemsize > 1:
        return np.dtype("<i8")
    return dtype.newbyteorder("<")
