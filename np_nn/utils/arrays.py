"""Conversion of users' arrays to the form that the kernels take.

Arrays of any type, byte order and memory layout become C-contiguous and native-endian; an array
that already is so is returned itself.
"""

import numpy as np

from np_nn.utils.errors import NpNNError, shown
from np_nn.utils.types import Array

PIXEL = 1 / 255  # scale of a byte to 0..1


def as_images(images):
    """Return (images as uint8 or float32, factor that scales them to the network's floats).

    Integers of any type that all lie in 0..255 are pixels: they become uint8, with factor PIXEL.
    All others become float32, with factor 1: floats, booleans as 0 and 1, and other integers. A
    scipy.sparse matrix becomes CSR, its values converted in the same way. Those of a stored set,
    which know their digest, stay on disk.

    Raises NpNNError unless `images` is an array of numbers that float32 can hold.
    """
    if hasattr(images, "tocsr"):
        matrix = images.tocsr()
        values, scale = as_images(matrix.data)
        if values is not matrix.data:
            matrix = type(matrix)((values, matrix.indices, matrix.indptr), matrix.shape)
        return matrix, scale
    if hasattr(images, "digest"):
        return images, PIXEL if images.dtype == np.uint8 else 1.0
    images = numbers(images, "the images")
    if images.dtype.kind in "iu" and _are_bytes(images):
        return np.asarray(images, np.uint8, order="C"), PIXEL
    return as_float(images, np.float32, "the images"), 1.0


def as_labels(labels, dtype=np.float32) -> Array:
    """Return class numbers (n,), integers or booleans, as int64, and other targets as `dtype`.

    Raises NpNNError unless `labels` is an array of numbers that the dtype can hold.
    """
    labels = numbers(labels, "the labels")
    if labels.ndim == 1 and labels.dtype.kind in "iub":
        return np.asarray(labels, np.int64, order="C")
    return as_float(labels, dtype, "the labels")


def as_floats(x) -> Array:
    """Return an array as float64 if it is float64 or longer, else as float32.

    Raises NpNNError unless `x` is an array of numbers.
    """
    x = numbers(x, "the input")
    long = x.dtype.kind == "f" and x.dtype.itemsize >= 8
    return as_float(x, np.float64 if long else np.float32, "the input")


def as_input(x) -> Array:
    """Return a model's input as floats: pixels (see ``as_images``) as 0..1, others `as_floats`."""
    x = numbers(x, "the input")
    if x.dtype.kind not in "iu":
        return as_floats(x)
    images, scale = as_images(x)
    return images * np.float32(scale)


def converted(values, dtype, name):
    """Return an array in this dtype, float or int; name: what the values are, for a message.

    NaN and infinity are kept. Raises NpNNError for numbers that the dtype cannot hold, which would
    overflow to infinity or be truncated, and unless `values` is an array of numbers.
    """
    array = numbers(values, name)
    if dtype.kind == "f":
        return as_float(array, dtype, name).copy()
    with np.errstate(all="ignore"):
        result = array.astype(dtype)
    if (result != array).any():
        raise _too_large(name, array[result != array][0], dtype)
    return result


def as_float(array, dtype, name) -> Array:
    """Return an array of numbers in a float dtype, C-contiguous; NaN and infinity are kept.

    name: what the numbers are, for a message. Raises NpNNError for a finite number that the dtype
    cannot hold.
    """
    try:
        with np.errstate(all="ignore", over="raise"):  # costs no pass over the array
            return np.asarray(array, dtype, order="C")
    except FloatingPointError:
        sizes = np.where(np.isfinite(array), abs(array), 0)
        raise _too_large(name, array.flat[sizes.argmax()], np.dtype(dtype)) from None


def numbers(values, name) -> Array:
    """Return an array of numbers. name: what they are, for a message.

    Raises NpNNError for text, objects and rows of different lengths.
    """
    try:
        array = np.asarray(values)
    except (TypeError, ValueError, RuntimeError) as error:  # ragged rows, or an error of a tensor
        raise NpNNError(f"{name} must be an array of numbers: {shown(error)}") from None
    if array.dtype.kind not in "biuf":
        raise NpNNError(f"{name} must be numbers, got {array.dtype}")
    return array


def _too_large(name, value, dtype):
    return NpNNError(f"{name}: {dtype} cannot hold {value}")


def _are_bytes(integers):
    if integers.dtype == np.uint8 or not integers.size:
        return True  # no pass over the pixels
    return integers.min() >= 0 and integers.max() <= 255
