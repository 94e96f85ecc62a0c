"""Reader of image files as one array: one size, one or three channels."""

import numpy as np

from np_nn.data.formats import helpers
from np_nn.utils.errors import DataError, shown

ENDINGS = (
    ".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".gif", ".webp", ".pgm", ".ppm", ".pnm",
)  # fmt: skip
LISTED = 3  # maximum skipped files that a remark names


def is_image(name):
    """Return whether a file's name has an image's ending."""
    return str(name).lower().endswith(ENDINGS)


def read(paths, shape):
    """Return image files as uint8 (n, *shape), read and resized like those of a folder.

    shape: (H, W) or (3, H, W). Raises DataError for a file that is not an image.
    """
    channels = 3 if len(shape) == 3 else 1
    paths = [str(path) for path in paths]
    return read_all(paths, paths, shape[-2:], channels, quiet=True)[0]


def read_all(sources, names, size=None, channels=None, *, skip=False, quiet=False):
    """Read images of one size: (uint8 (n, H, W) or (n, 3, H, W), indices of them, remarks).

    Args:
        sources: paths, or the bytes of files.
        names: name of each source for messages.
        size: (height, width) to resize all of them to; None: they must have one size.
        channels: 1 or 3; None: 3 if any of them has colour.
        skip: leave out files that cannot be read, and list them in the remarks.
        quiet: hide the progress bar.

    Raises:
        DataError: for a file that cannot be read, unless skipped; for files of several sizes.
    """
    outcomes = helpers.decode_all(sources, channels, size, quiet)
    failed = [i for i, outcome in enumerate(outcomes) if isinstance(outcome, str)]
    if failed and not skip:
        raise DataError(f"{shown(names[failed[0]])}: {outcomes[failed[0]]}")
    kept = [i for i, outcome in enumerate(outcomes) if not isinstance(outcome, str)]
    if not kept:
        return np.empty((0, *(size or (0, 0))), np.uint8), kept, _skipped(failed, names, outcomes)
    _check_sizes(kept, names, outcomes)
    remarks = _skipped(failed, names, outcomes)
    colours = sum(outcomes[i][2] == 3 for i in kept)
    if colours not in (0, len(kept)):
        remarks.append(
            f"{len(kept) - colours:,} grey images were read as colour, as the others are"
        )
    return _array([outcomes[i] for i in kept], 3 if colours else 1), kept, remarks


def _skipped(failed, names, outcomes):
    if not failed:
        return []
    said = "; ".join(f"{shown(names[i])}: {outcomes[i]}" for i in failed[:LISTED])
    more = " ..." if len(failed) > LISTED else ""
    return [f"{len(failed):,} unreadable file{'s' * (len(failed) > 1)} skipped: {said}{more}"]


def _check_sizes(kept, names, outcomes):
    first = outcomes[kept[0]][:2]
    for i in kept:
        if outcomes[i][:2] != first:
            raise DataError(
                f"{shown(names[i])}: {_said(outcomes[i][:2])} pixels, but {_said(first)} in "
                f"{shown(names[kept[0]])}: give all one size (--image-size {_said(first)}, "
                f"image_size={first})"
            )


def _said(size):
    return f"{size[0]}x{size[1]}"


def _array(outcomes, channels):
    """Join decoded images of one size: (n, H, W), or (n, 3, H, W)."""
    height, width = outcomes[0][:2]
    pixels = (
        pixels if own == channels else np.repeat(np.frombuffer(pixels, np.uint8), 3).tobytes()
        for _, _, own, pixels in outcomes
    )  # fmt: skip
    images = np.frombuffer(b"".join(pixels), np.uint8)
    images = images.reshape(len(outcomes), height, width, channels)
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2)) if channels == 3 else images[..., 0]
