"""Loading of a data set, by name or from the user's own files."""

import os
from dataclasses import replace
from pathlib import Path

from np_nn.data import known, own
from np_nn.data.dataset import Dataset
from np_nn.data.formats.found import Options
from np_nn.data.matching import match
from np_nn.data.preparation import FEATURES, Preparation
from np_nn.data.sources import names
from np_nn.data.stored import layout
from np_nn.data.stored import reading as stored
from np_nn.utils.converters import image_size as converted_size
from np_nn.utils.converters import name_or_path
from np_nn.utils.errors import DataError
from np_nn.utils.seeds import checked
from np_nn.utils.types import PathLike


def load(
    name: PathLike = "auto", data_dir: PathLike | None = None, *, scale: float = 1 / 255,
    download: bool | None = None, quiet: bool = False, label: str | None = None,
    image_size: int | str | tuple[int, int] | None = None, skip_unreadable: bool = False,
    preparation: Preparation | None = None, seed: int = 0,
) -> Dataset:  # fmt: skip
    """Return the Dataset called `name`, or that of the user's own files at this path.

    Without `data_dir`, the files of a name are looked for in $NP_NN_DATA, ./data and the cache
    folder ($NP_NN_CACHE or the user's cache folder); the first folder that holds any of the four
    files is used. Only the cache and, if a download is asked for, `data_dir` are written to.

    A path is a folder with a subfolder of images per class or with labels.csv, optionally divided
    into train/ and test/; or CSV, .npz, .npy, IDX (also in a zip) or Parquet, as files or as a
    folder of them. Without a test set, a fifth of each class becomes it. The order of samples is
    seeded and stratified, for every format. `Dataset.remarks` describes what was done. The folder
    of a stored set, see `store`, is not read into memory, and keeps its order and scale.

    Args:
        name: key of DATASETS; "digits" for scikit-learn's; or "auto": MNIST, or the digits, with a
            note and a reason, if MNIST can be neither found nor downloaded and no `data_dir` is
            given. Otherwise the path of a file or folder; a known name takes precedence.
        data_dir: the only folder to search for a name.
        scale: factor of a pixel, see `Split`.
        download: download missing files, into `data_dir` or else into the cache; None: into the
            cache only.
        quiet: hide the progress bar.
        label: column of a table that holds the labels; None: the column called label, class,
            target or y, else the first. For several IDX sets in one folder: name of the set.
        image_size: (height, width), or one number for both, to which image files are resized.
        skip_unreadable: leave out image files and rows that cannot be read, and list them in the
            remarks.
        preparation: Preparation of a model, which turns the splits into its inputs.
        seed: seed of the order and the test set, int >= 0.

    Raises:
        DataError: for a data set that is missing, unreadable or damaged.
        NpNNError: for an unknown name that is not a file or folder either.
    """
    checked(seed)
    is_known = isinstance(name, str) and name in names()
    path = Path(name if is_known else name_or_path("data set", names)(name))
    if is_known or layout.is_there(path):
        if label is not None or image_size is not None or skip_unreadable:
            raise DataError(f"{name} has its own labels and size: label, image_size and "
                            "skip_unreadable are for files of your own")  # fmt: skip
        if is_known:
            found = known.read(name, data_dir, scale, download, quiet)
        else:
            found = stored.read(path, _name(path), quiet)
        return found if preparation is None else _prepared(found, preparation)
    from np_nn.data.formats import reading  # on use: it imports Pillow

    options = Options(label, _size(image_size), skip=skip_unreadable, quiet=quiet)
    if preparation is not None:
        options = _options_of(preparation, options)
    found = own.dataset(reading.read(path, options), _name(path), seed, scale, preparation)
    return replace(found, preparation=replace(found.preparation, label=options.label or ""))


def _prepared(dataset, preparation):
    """Return a Dataset with its splits converted to inputs by the Preparation."""
    if dataset.preparation.kind == preparation.kind == FEATURES:  # standardized already
        return match(dataset, (), preparation)
    train, test = (
        preparation.split(split.images, split.labels) for split in (dataset.train, dataset.test)
    )
    return replace(dataset, train=train, test=test, preparation=preparation)


def _options_of(preparation, options):
    """Return the Options for reading files as a model's Preparation requires."""
    options = replace(options, label=options.label or preparation.label or None)
    if preparation.kind == FEATURES:
        return replace(options, columns=preparation.columns)
    if not preparation.pixels or len(preparation.shape) not in (2, 3):
        return options
    channels = 3 if len(preparation.shape) == 3 else 1
    return replace(options, image_size=preparation.shape[-2:], channels=channels)


def _size(value):
    """Return (height, width) of 28, "28x20" or (28, 20); None of None."""
    if value is None:
        return None
    text = "x".join(map(str, value)) if isinstance(value, tuple | list) else value
    return tuple(map(int, converted_size(text).split("x")))


def _name(path):
    """Return the last part of a path, unless it is the name of a known set."""
    name = os.path.basename(os.path.abspath(path))
    return str(path) if name in names() else name
