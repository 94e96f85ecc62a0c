"""Preprocessing, done once and not per epoch: standardization and deskewing."""

import math

import numpy as np

from np_nn import ops
from np_nn.data.split import in_memory, is_stored
from np_nn.utils.arguments import given
from np_nn.utils.errors import NpNNError
from np_nn.utils.types import Array

BLOCK = 2**18  # pixels at a time, which bounds the memory of their float64 copies
MOST_SIDE = 4096  # maximum rows and columns of an image; the kernels count with 32 bits


def mean_and_std(images):
    """Return the mean and the standard deviation of all pixels of images (M, ...) uint8."""
    total = squares = 0.0
    if not is_stored(images):
        _check_pixels(images)
    flat = images.numbers if is_stored(images) else images.reshape(-1)  # zeros add nothing
    for start in range(0, flat.size, BLOCK):
        pixels = flat[start : start + BLOCK].astype(np.float64)
        total += float(pixels.sum())
        squares += float(pixels @ pixels)
    mean = total / images.size
    return mean, math.sqrt(max(squares / images.size - mean**2, 0.0))


def standardization(images: Array) -> tuple[float, float]:
    """Return (scale, shift): scale * pixel + shift has mean 0 and variance 1 over all images.

    Raises NpNNError if all pixels are equal.
    """
    mean, std = mean_and_std(images)
    if not std:
        raise NpNNError("cannot standardize images whose pixels are all alike")
    return 1 / std, -mean / std


def deskew(images: Array) -> Array:
    """Deskew handwriting: return new images (M, H, W) uint8, sheared and centred.

    The rows of each image are shifted until its principal axis is vertical, that is, until
    its ink is equally far right above and below the centre of mass (LeCun, Bottou, Bengio and
    Haffner, "Gradient-based learning applied to document recognition", 1998). The centre of
    mass moves to pixel (H // 2, W // 2), as in MNIST.
    """
    images = in_memory(images)
    check_images(images)
    y, x, slant = _ink(np.ascontiguousarray(images))
    row, column = images.shape[1] // 2, images.shape[2] // 2
    matrices = identity_maps(len(images))[:, :2]
    matrices[:, 1, 0] = slant
    matrices[:, 0, 2], matrices[:, 1, 2] = y - row, x - column - slant * row
    return warp(images, matrices)


def _ink(images):
    """Return the centre of mass (y, x) of each image, and its slant in columns per row."""
    mass, y, x, yy, xy = ops.image_moments(images, np.empty((len(images), 5), np.int64)).T
    mass = np.maximum(mass, 1)  # of a black image, which stays black
    y, x = y / mass, x / mass
    variance, covariance = yy / mass - y * y, xy / mass - x * y
    slant = np.zeros(len(images))  # 0 also for ink in a single row
    return y, x, np.divide(covariance, variance, out=slant, where=variance > 1e-9)


def identity_maps(count):
    """Return `count` maps (count, 3, 3) float64 that leave every place (y, x, 1) where it is."""
    return np.tile(np.eye(3), (count, 1, 1))


def warp(images, matrices, coefficients=None, basis_y=None, basis_x=None):
    """Resample images (M, H, W) uint8, bilinearly and with black around them; return new ones.

    matrices (M, 2, 3) map each pixel (y, x, 1) of a new image to its source place. coefficients
    (M, 2, K, K) with basis_y (H, K) and basis_x (W, K), all float32, or None: a displacement of
    the source place. See ``reference.warp_images``.
    """
    images, matrices = np.ascontiguousarray(images), np.ascontiguousarray(matrices, np.float32)
    out = np.empty_like(images)
    return ops.warp_images(images, matrices, coefficients, basis_y, basis_x, out)


def check_images(images):
    """Raise NpNNError unless these are images (M, H, W) uint8, H and W at most MOST_SIDE."""
    _check_pixels(images)
    if images.ndim > 3:
        raise NpNNError(
            f"images of {images.shape[1]} channels are neither deskewed nor distorted: that is "
            "for one channel (no --deskew, no --augment)"
        )


def _check_pixels(images):
    if not isinstance(images, np.ndarray) or images.dtype != np.uint8 or images.ndim < 3:
        raise NpNNError(f"images must be a uint8 array (M, H, W), got {given(images)}")
    if not images.size:
        raise NpNNError(f"images of shape {images.shape} have no pixel")
    if max(images.shape[-2:]) > MOST_SIDE:
        raise NpNNError(f"images may be {MOST_SIDE} pixels high and wide, got {images.shape}")
