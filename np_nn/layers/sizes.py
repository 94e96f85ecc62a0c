"""Sizes for convolution and pooling: arguments that are a number or a pair, and output shapes."""

from numbers import Integral

from np_nn.reference import windows
from np_nn.utils.errors import NpNNError, shown

MOST = 2**31 - 1  # a kernel counts pixels with 64 bits


def pair(layer, name, value, least):
    """Return a pair (rows, columns) from a pair, or from one number for both.

    Raises NpNNError unless the numbers are integers of at least ``least``.
    """
    values = (value, value) if isinstance(value, Integral) else value
    if (
        not isinstance(values, tuple | list)
        or len(values) != 2
        or not all(isinstance(v, Integral) and least <= v <= MOST for v in values)
    ):
        wanted = f"a whole number from {least}, or a pair of them"
        raise NpNNError(f"{layer}: {name} must be {wanted}, got {shown(value)}")
    return tuple(map(int, values))


def places(layer, image, kernel, stride, padding):
    """Return (H', W'), the number of windows of the kernel in an image (H, W).

    Raises NpNNError if there is none.
    """
    padded = [size + 2 * p for size, p in zip(image, padding, strict=True)]
    if any(k > size for k, size in zip(kernel, padded, strict=True)):
        raise NpNNError(
            f"{layer}: a window of {_by(kernel)} is larger than the padded image of {_by(padded)}"
        )
    return windows.sizes(image, kernel, stride, padding)


def _by(size):
    return " x ".join(map(str, size))
