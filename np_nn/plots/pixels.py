"""Images of a data set prepared for matplotlib: grey or in colour, of any size."""

import io

import numpy as np
from matplotlib.cm import ScalarMappable
from PIL import Image

SEEN = 1_000_000  # maximum number of pixels examined to choose a colormap
INK = {"cmap": "Greys"}  # ink on paper: the smallest value is white, the largest black
LIGHT = {"cmap": "gray", "vmin": 0, "vmax": 255}
SMALL = 128  # maximum side of an image on a page, in pixels


def look(images):
    """Return imshow's arguments for grey images (n, ...) of one set.

    uint8 images whose most frequent value is 0, such as written digits, are drawn as ink on paper;
    other uint8 images by brightness. Floats are drawn as ink, each image over its own range.
    """
    if images.dtype != np.uint8:
        return INK
    pixels = images[:: 1 + images.size // SEEN].ravel()
    counts = np.bincount(pixels[:: 1 + pixels.size // SEEN], minlength=1)
    return INK if counts.argmax() == 0 else LIGHT


def is_photo(images):
    """Return whether images (n, h, w) or (n, C, h, w) are in colour or in greys, not ink."""
    return (images.ndim == 4 and images.shape[1] == 3) or look(images) == LIGHT


def raster(image):
    """Convert an image (h, w) or (C, h, w) for imshow: (h, w), or (h, w, 3) for 3 channels.

    Float images in colour are scaled to 0..1. Other numbers of channels are averaged.
    """
    if image.ndim == 2:
        return image
    if len(image) != 3:
        return image.mean(axis=0)
    colour = np.moveaxis(image, 0, -1)
    if colour.dtype == np.uint8:
        return colour
    low, high = colour.min(), colour.max()
    return (colour - low) / ((high - low) or 1)


def draw_image(image, cmap="Greys", vmin=None, vmax=None) -> bytes:
    """Return a PNG of an image (h, w) or (C, h, w), at most SMALL pixels a side.

    cmap, vmin, vmax: of grey images, see ``look``.
    """
    shades, content = ScalarMappable(cmap=cmap), io.BytesIO()
    shades.set_clim(vmin, vmax)
    picture = Image.fromarray(shades.to_rgba(raster(image), bytes=True)).convert("RGB")
    picture.thumbnail((SMALL, SMALL))
    picture.save(content, "PNG")
    return content.getvalue()


def fitted(x, y, side, shape):
    """Return imshow's extent for an image of `shape` (h, w, ...) centred in a square, y downwards.

    x, y: upper left corner of the square. side: its side. The image keeps its proportions.
    """
    height, width = shape[:2]
    half = np.array([width, height]) / max(width, height) * side / 2
    (left, top), (right, bottom) = (np.array([x, y]) + side / 2 + sign * half for sign in (-1, 1))
    return left, right, bottom, top
