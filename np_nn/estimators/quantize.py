"""Float arrays that are affine images of uint8 data.

Pixels that were read as floats, divided by 255, or centred, are still 0, 1 ... 255 times a scale,
plus a shift. As bytes they take an eighth of the memory of float64, and the kernels skip zeros.
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from np_nn import ops

SAMPLE, BLOCK = 150_000, 200_000  # numbers examined first, and numbers per block
ACCURACY = 2.0**-22  # tolerance relative to the largest number: about the rounding of float32
LARGEST = np.finfo(np.float32).max


def as_bytes(values):
    """Return (bytes, scale, shift) such that values = scale * bytes + shift, or None.

    values (n, I): numbers of any dtype -> bytes (n, I) uint8; scale and shift are floats. The
    equation holds within ACCURACY times the largest value. None if there is no such scale, or if
    a sample of SAMPLE numbers, spread evenly, does not show it.
    """
    if values.dtype == np.uint8:
        return values, 1.0, 0.0
    rows, width = len(values), max(1, values.shape[1])
    grid = _grid(values[:: rows // (SAMPLE // width + 1) + 1])
    if grid is None:
        return None
    scale, shift = grid
    out = np.empty(values.shape, np.uint8)
    step = BLOCK // width + 1

    def write(start):
        part = slice(start, start + step)
        return _write(values[part], scale, shift, out[part])

    with ThreadPoolExecutor(ops.threads) as pool:  # NumPy releases the GIL
        written = all(pool.map(write, range(0, rows, step)))
    return (out, scale, shift) if written else None


def _grid(sample):
    """Return (scale, shift) of a sample's evenly spaced levels, or None if there are none."""
    levels = np.unique(sample).astype(np.float64)
    if not 2 <= len(levels) <= 256 or abs(levels).max() > LARGEST:
        return None
    shift = min(levels[0], 0.0)
    steps = (levels[-1] - shift) / np.diff(np.union1d(levels, shift)).min()
    if not steps < 255.5:
        return None
    return float((levels[-1] - shift) / round(steps)), float(shift)


def _write(values, scale, shift, out):
    """Write the bytes of some values; return whether they represent the values."""
    numbers = (values - shift) * (1 / scale)
    whole = np.rint(numbers)
    if whole.size and not (whole.min() >= 0 and whole.max() <= 255):
        return False
    np.copyto(out, whole, casting="unsafe")
    numbers -= whole
    most = max(abs(shift), abs(255 * scale + shift)) * ACCURACY / scale
    return not numbers.size or max(numbers.max(), -numbers.min()) <= most
