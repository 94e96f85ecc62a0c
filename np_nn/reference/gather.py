"""Selection of a batch from a set of images."""

import numpy as np


def gather(images, indices, scale, shift, out):
    """Make one batch: out[n] = scale * images[indices[n]] + shift.

    images (M, I) uint8 or float, indices (N,) int, out (N, I) float.
    """
    np.copyto(out, images[indices], casting="same_kind")
    if scale != 1:
        out *= scale
    if shift:
        out += shift
    return out
