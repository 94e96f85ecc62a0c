"""Samples from a user's files, prepared as for the training of a network.

The readers of images are imported on use: Pillow and scipy.ndimage would double the time of
``import np_nn``.
"""

import io
import math
import os
from collections.abc import Iterable

import numpy as np

from np_nn.data.preparation import ARRAY, DIGIT, FEATURES, IMAGE, Preparation
from np_nn.utils.errors import DataError, NpNNError, shown
from np_nn.utils.types import Array, PathLike


def read_images(paths: PathLike | Iterable[PathLike], preparation: Preparation) -> Array:
    """Return files as samples ``(n, *shape)``; ``preparation.split`` turns them into inputs.

    paths: image files, one sample each, where preparation.kind is "digit" or "image"; tables or
    .npy files, of several samples each, for "features" and "array". preparation: a `Preparation`,
    such as ``load_model(path).info.preparation``. Raises DataError for a file that cannot be read.
    """
    paths = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    if not paths:
        return np.empty((0, *preparation.shape), np.uint8)
    return READERS[preparation.kind](paths, preparation)


def _digits(paths, preparation):
    from np_nn.data import digit

    if preparation.shape != (digit.FIELD, digit.FIELD):
        raise NpNNError(f"digits are prepared as 28 x 28 pixels, not as {preparation.shape}")
    return digit.read(paths)


def _images(paths, preparation):
    from np_nn.data.formats import images

    return images.read(paths, preparation.shape)


def _arrays(paths, preparation):
    return np.concatenate([_array(path, preparation.shape) for path in paths])


def _features(paths, preparation):
    return np.concatenate(
        [
            _array(path, preparation.shape)
            if _is_array(path)
            else np.array(list(_table_rows(path, preparation.columns)), np.float64)
            for path in paths
        ]
    )


# ---- Arrays -----------------------------------------------------------------------------------


def _is_array(path):
    return str(path).lower().endswith(".npy")


def _no_array(path):
    return DataError(f"{shown(path)}: the model was trained on arrays: give .npy files")


def _array(path, shape):
    """Return the array of an .npy file, samples of a shape or a single one, as (n, *shape)."""
    from np_nn.data.formats import content

    if not _is_array(path):
        raise _no_array(path)
    try:
        array = np.load(io.BytesIO(content.read(path)), allow_pickle=False)
    except DataError:
        raise
    except Exception as error:  # the header is Python text, which NumPy parses
        raise DataError(f"{shown(path)}: not an array in .npy format: {shown(error)}") from None
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "biuf":
        raise DataError(f"{shown(path)}: not an array of numbers")
    array = array[None] if array.shape == shape else array
    if array.shape[1:] != shape:
        wanted = ", ".join(map(str, shape))
        raise DataError(f"{shown(path)}: shape {array.shape}, but the model takes (n, {wanted})")
    return array


# ---- Tables -----------------------------------------------------------------------------------


def _table_rows(path, columns):
    """Yield the features (I,) of each row of a table, selected by the names of the columns.

    A table without a header must hold exactly the features, in the order of `columns`.
    """
    from np_nn.data.formats import table

    if not columns:
        raise _no_array(path)
    names, rows = table.read_text(path)
    if set(columns) <= set(names):
        places = [names.index(name) for name in columns]
    elif len(names) == len(columns) and all(map(_is_finite, names)):
        rows, places = [(1, names), *rows], range(len(columns))
    else:
        missing = next(name for name in columns if name not in names)
        raise DataError(f"{shown(path)}: no column {shown(missing)}, which the model needs")
    empty = True
    for line, cells in rows:
        empty = False
        for name, place in zip(columns, places, strict=True):
            if place >= len(cells) or not _is_finite(cells[place]):
                raise DataError(
                    f"{shown(path)}: line {line}, column {shown(name)}: not a finite number"
                )
        yield [float(cells[place]) for place in places]
    if empty:
        raise DataError(f"{shown(path)}: a table without a row")


def _is_finite(cell):
    try:
        return math.isfinite(float(cell))
    except ValueError:
        return False


READERS = {DIGIT: _digits, IMAGE: _images, FEATURES: _features, ARRAY: _arrays}
