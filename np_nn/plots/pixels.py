"""Images of a data set as matplotlib draws them: grey or in colour, of any size."""

import io

import numpy as np
from matplotlib.cm import ScalarMappable
from PIL import Image

SEEN = 1_000_000  # pixels that are counted to choose a colormap
INK = {"cmap": "Greys"}  # white where an image is darkest, black where it is brightest
LIGHT = {"cmap": "gray", "vmin": 0, "vmax": 255}
SMALL = 128  # pixels a side of an image on a page: a larger one is shrunk


def look(images):
    """Return the arguments of imshow for grey images (n, ...) of one set.

    Bytes whose most frequent value is 0, as those of written digits, are drawn as ink on paper;
    other bytes as bright as they are. Floats are drawn as ink, each image over its own range.
    """
    if images.dtype != np.uint8:
        return INK
    pixels = images[:SEEN].ravel()
    counts = np.bincount(pixels[:: 1 + pixels.size // SEEN], minlength=1)
    return INK if counts.argmax() == 0 else LIGHT


def is_photo(images):
    """Return whether images (n, h, w) or (n, C, h, w) are in colour or in greys, and not ink."""
    return (images.ndim == 4 and images.shape[1] == 3) or look(images) == LIGHT


def raster(image):
    """Return an image (h, w) or (C, h, w) as imshow takes it: (h, w), or (h, w, 3) for 3 channels.

    Floats in colour are stretched to 0..1. Other numbers of channels are averaged.
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
    """Return imshow's extent of an image of a shape (h, w, ...) in a square, y downwards.

    x, y: the square's left and upper corner. The image keeps its proportions, in the middle.
    """
    height, width = shape[:2]
    half = np.array([width, height]) / max(width, height) * side / 2
    (left, top), (right, bottom) = (np.array([x, y]) + side / 2 + sign * half for sign in (-1, 1))
    return left, right, bottom, top
