"""Digit preparation: from a photo, scan or drawing of one digit to an image like MNIST's.

MNIST's page: the digits "were size normalized to fit in a 20x20 pixel box while preserving their
aspect ratio [...] using an anti-aliasing technique [...] the images were centered in a 28x28 image
by computing the center of mass of the pixels, and translating the image so as to position this
point at the center of the 28x28 field" (LeCun, Cortes and Burges, The MNIST database).
"""

import numpy as np
from PIL import Image
from scipy import ndimage

from np_nn.data.formats import images
from np_nn.utils.errors import DataError, NpNNError, shown

FIELD = 28  # rows and columns of the result
BOX = 20  # rows and columns of the box that the digit is fitted into
CENTRE = FIELD // 2  # row and column of the centre of mass, as on average in MNIST
MOST_SIDE = 512  # maximum side in pixels; larger images are reduced first
POINTS = 4096  # maximum pixels from which the paper's colour is estimated
LINEAR, QUADRATIC = 3, 6  # number of terms of a function of the place
ROUNDS = 3  # of reweighting; further ones change pixels by less than a level on average
LEAST_CONTRAST = 16  # minimum contrast of ink and paper, in levels of 0 to 255
LEAST_RATIO = 4  # minimum ratio of the ink's contrast to the paper's typical unevenness
LEAST_PAPER = 0.1  # minimum share of paper in the image for an estimate of its colour
ROUNDING = 1e-6  # maximum contrast, in levels, that rounding gives even paper; it is not ink
SPECK = 0.03  # minimum area of a part, relative to the largest; smaller parts are not ink
EIGHT = np.ones((3, 3))  # structuring element: diagonal neighbours are connected, too


def read(paths):
    """Return image files of one digit each as uint8 (n, 28, 28): bright ink on black.

    Raises DataError for a file that is not an image, or whose ink does not stand out from paper.
    """
    return np.stack([_read(path) for path in paths]) if len(paths) else _empty()


def _read(path):
    pixels, _, _ = images.read_all([str(path)], [str(path)], channels=3, quiet=True)
    try:
        return prepare(pixels[0])
    except NpNNError as error:
        raise DataError(f"{shown(path)}: {error}") from None


def _empty():
    return np.empty((0, FIELD, FIELD), np.uint8)


def prepare(pixels):
    """Return a digit image (3, H, W) uint8, of any colours, in MNIST's form: (28, 28) uint8.

    Raises NpNNError if no ink stands out from the paper.
    """
    return _placed(_fitted(_without_specks(*_ink(_reduced(pixels)))))


def _reduced(pixels):
    """Return the image as floats (H, W, 3), no side longer than MOST_SIDE."""
    image = Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0)))
    image.thumbnail((MOST_SIDE, MOST_SIDE), Image.Resampling.BOX)
    return np.asarray(image, np.float32)


def _ink(pixels):
    """Return ink (H, W), from 0 to 1, and a mask (H, W) bool of pixels that are certainly ink.

    Ink differs in colour from the paper; it may be darker or lighter. The paper's colour is first
    estimated at the border, then wherever there is no ink.
    """
    contrast = _contrast(pixels, _border(pixels.shape[:2]), LINEAR)
    if (paper := _paper_only(contrast)).mean() > LEAST_PAPER:
        contrast = _contrast(pixels, paper, QUADRATIC)
    threshold = _otsu(contrast)
    certain = contrast > threshold
    if not certain.any():
        raise _no_ink()
    high = np.quantile(contrast[certain], 0.75)
    if high < max(LEAST_CONTRAST, LEAST_RATIO * np.median(contrast[~certain])):
        raise _no_ink()
    paper = _paper_only(contrast)
    low = np.quantile(contrast[paper], 0.995) if paper.any() else 0
    low = max(min(low, 0.8 * threshold), ROUNDING)
    return np.clip((contrast - low) / (high - low), 0, 1), certain


def _no_ink():
    return NpNNError("no digit found: no ink that stands out from empty paper around it")


def _border(shape):
    """Return (H, W) bool: the outermost sixteenth on each side."""
    width = max(1, min(shape) // 16)
    border = np.ones(shape, bool)
    border[width:-width, width:-width] = False
    return border


def _paper_only(contrast):
    """Return a mask (H, W) bool of pixels that are certainly paper, at a distance from all ink."""
    return ~ndimage.binary_dilation(contrast > 0.7 * _otsu(contrast), EIGHT, iterations=2)


def _contrast(pixels, paper, count):
    """Return the distance (H, W) of each pixel's colour from that of the paper: 0 to 255.

    The paper's colour is a function of the place, because light is uneven. It is fitted to the
    pixels of `paper` (H, W) bool by least absolute deviations (iteratively reweighted least
    squares), robust to ink on less than half of them. count: number of the function's terms.
    """
    terms = _terms(paper.shape)[..., :count]
    places = np.flatnonzero(paper)
    places = places[:: -(-len(places) // POINTS)]
    known, colours = terms.reshape(-1, count)[places], pixels.reshape(-1, 3)[places]
    errors = colours - np.median(colours, axis=0)
    for _ in range(ROUNDS):
        weights = 1 / np.maximum(np.linalg.norm(errors, axis=1, keepdims=True), 1)
        normal = known.T @ (weights * known)
        fit = np.linalg.lstsq(normal, known.T @ (weights * colours), rcond=None)[0]
        errors = colours - known @ fit
    return np.linalg.norm(pixels - terms @ fit, axis=2) / np.sqrt(3)


def _terms(shape):
    """Return the terms of a quadratic function of the place: (H, W, 6) floats."""
    y, x = np.meshgrid(*(np.linspace(-1, 1, side) for side in shape), indexing="ij")
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1)


def _otsu(values):
    """Return the threshold that separates values best into two classes.

    Source: Otsu 1979, A threshold selection method from gray-level histograms.
    """
    counts, edges = np.histogram(values, 256, (0, max(values.max(), 1)))
    middles = (edges[1:] + edges[:-1]) / 2
    below, total = counts.cumsum(), (counts * middles).cumsum()
    above = below[-1] - below
    means = total / np.maximum(below, 1), (total[-1] - total) / np.maximum(above, 1)
    return edges[1:][np.argmax(below * above * (means[0] - means[1]) ** 2)]


def _without_specks(ink, certain):
    """Return the ink without parts that have too few pixels of certain ink."""
    parts, count = ndimage.label(ink, EIGHT)
    areas = np.bincount(parts[certain], minlength=count + 1)
    areas[0] = 0
    return ink * (areas >= max(SPECK * areas.max(), 1))[parts]


def _fitted(ink):
    """Return the ink's box, resized such that its longer side has BOX pixels; floats 0 to 1."""
    rows, columns = (np.flatnonzero(ink.any(axis=axis)) for axis in (1, 0))
    box = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = BOX / max(box.shape)
    height, width = (max(1, round(side * scale)) for side in box.shape)
    method = Image.Resampling.BOX if scale < 1 else Image.Resampling.BICUBIC
    image = Image.fromarray(box.astype(np.float32)).resize((width, height), method)
    fitted = np.clip(np.asarray(image), 0, 1)
    return fitted / fitted.max()  # thin strokes have become grey


def _placed(fitted):
    """Return (28, 28) uint8 with the ink's centre of mass in the middle, and all ink inside."""
    field = np.zeros((FIELD, FIELD), np.uint8)
    place = []
    for side, centre in zip(fitted.shape, ndimage.center_of_mass(fitted), strict=True):
        start = min(max(round(CENTRE - centre), 0), FIELD - side)
        place.append(slice(start, start + side))
    field[tuple(place)] = np.round(255 * fitted)
    return field
