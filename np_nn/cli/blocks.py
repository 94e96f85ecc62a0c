"""Images as text of half blocks, two pixels to a character, for a terminal."""

import numpy as np

BLOCKS = " ▀▄█"  # by index: 1 if the upper pixel is lit, plus 2 if the lower is
LIT = 0.4  # threshold of a lit pixel, as a fraction of the brightest one
MOST = 40  # maximum columns of an image; a larger one is subsampled
GAP = "  "  # between neighbouring images


def half_blocks(image):
    """Return an image (h, w) or (3, h, w) as lines of text; bright pixels are drawn."""
    image = np.asarray(image, np.float32)
    image = image.mean(axis=0) if image.ndim == 3 else image
    step = -(-image.shape[1] // MOST)
    image = image[::step, ::step] - image.min()
    lit = image > LIT * max(image.max(), 1e-9)
    lit = np.pad(lit, ((0, lit.shape[0] % 2), (0, 0))).astype(int)
    return ["".join(BLOCKS[place] for place in row) for row in lit[::2] + 2 * lit[1::2]]


def side_by_side(images, titles, width):
    """Return images as text, each below its title, as many per row as fit in `width` characters."""
    drawn = [half_blocks(image) for image in images]
    columns = len(drawn[0][0])
    across = max(1, (width + len(GAP)) // (columns + len(GAP)))
    lines = []
    for start in range(0, len(drawn), across):
        some = slice(start, start + across)
        lines.append(GAP.join(_shortened(title, columns).ljust(columns) for title in titles[some]))
        lines += [GAP.join(row) for row in zip(*drawn[some], strict=True)]
    return "\n".join(line.rstrip() for line in lines)


def _shortened(title, most):
    """Shorten a title from its start to `most` characters: file names differ at their end."""
    return title if len(title) <= most else f"...{title[3 - most :]}"
