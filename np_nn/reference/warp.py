"""Image warping: moments of images, and bilinear resampling.

M images of H rows and W columns. A place is (y, x): row and column coordinates, counted
from 0 and in general fractional.
"""

import numpy as np

BLOCK = 200_000  # pixels at a time, so that intermediate arrays stay in the cache


def image_moments(images, out):
    """Compute the moments out (M, 5) int64, which locate the ink of images (M, H, W) uint8.

    The columns are the sums over all pixels p of p, y p, x p, y y p and x y p.
    """
    y, x = (axis.ravel() for axis in np.indices(images.shape[1:]))
    factors = np.stack([np.ones_like(y), y, x, y * y, x * y], axis=1).astype(np.float64)
    for block in _blocks(images):
        out[block] = images[block].reshape(-1, y.size).astype(np.float64) @ factors
    return out


def warp_images(images, matrices, coefficients, basis_y, basis_x, out):
    """Resample each image: out[m, y, x] is the value of images[m] at a place given by (y, x).

    The place is matrices[m] @ (y, x, 1) + displacement[m, :, y, x], where displacement[m] =
    basis_y @ coefficients[m] @ basis_x.T holds a field for the rows and one for the columns.
    Values between pixels are interpolated bilinearly; outside the image they are black.

    images and out (M, H, W) uint8, not the same; matrices (M, 2, 3) float32; coefficients
    (M, 2, K, K) float32, or None for no displacement; basis_y (H, K), basis_x (W, K) float32.
    """
    for block in _blocks(images):
        places = _affine_places(matrices[block], images.shape[1:])
        if coefficients is not None:
            places += basis_y @ coefficients[block] @ basis_x.T
        out[block] = _bilinear(images[block], places)
    return out


def _blocks(images):
    """Return an iterator of slices that divide the images into blocks."""
    step = max(1, BLOCK // max(1, images[:1].size))
    return (slice(start, start + step) for start in range(0, len(images), step))


def _affine_places(matrices, shape):
    """Return matrices (M, 2, 3) times (y, x, 1) for every pixel: (M, 2, H, W)."""
    y, x = (np.arange(size, dtype=matrices.dtype) for size in shape)
    of_y, of_x, shift = (matrices[:, :, i, None, None] for i in range(3))
    return (of_y * y[:, None] + shift) + of_x * x


def _bilinear(images, places):
    """Interpolate images (M, H, W) at places (M, 2, H, W); return uint8."""
    count, height, width = images.shape
    # With a black frame, places outside the image need no special case.
    framed = np.pad(images.astype(places.dtype), ((0, 0), (1, 2), (1, 2)))
    y, x = _into_frame(places[:, 0], height), _into_frame(places[:, 1], width)
    top, left = y.astype(np.int32), x.astype(np.int32)
    y -= top
    x -= left
    first = (np.arange(count, dtype=np.int32)[:, None, None] * (height + 3) + top) * (width + 3)
    first += left
    pixels = framed.ravel()
    upper = _between(pixels[first], pixels[first + 1], x)
    first += width + 3
    lower = _between(pixels[first], pixels[first + 1], x)
    return (_between(upper, lower, y) + np.float32(0.5)).astype(np.uint8)


def _into_frame(place, size):
    """Return coordinates in the frame; those beyond it, and NaN, are moved to its edge."""
    return np.fmin(np.fmax(place, -1), size) + 1


def _between(a, b, share):
    return a + share * (b - a)
