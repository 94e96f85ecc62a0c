"""Data sets known by name: located or downloaded, verified, parsed."""

import os
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from np_nn.data import verify
from np_nn.data.dataset import Dataset
from np_nn.data.download import UnavailableError, advice, described, fetch
from np_nn.data.preparation import DIGIT, IMAGE, Preparation
from np_nn.data.sources import DATASETS
from np_nn.data.split import Split
from np_nn.utils.errors import DataError
from np_nn.utils.optional import silently

DIGITS_NOTE = "scikit-learn's 8x8 digits, enlarged to 28x28: results are NOT comparable to MNIST's"


def read(name, data_dir, scale, download, quiet):
    """Return the Dataset of a name that ``sources.names`` lists; see ``loading.load``."""
    if name == "digits":
        return _digits(scale, f"these are {DIGITS_NOTE}")
    key = "mnist" if name == "auto" else name
    try:
        root = _locate(key, data_dir, download, quiet)
    except UnavailableError as error:
        if name != "auto" or data_dir is not None:
            raise
        return _digits(scale, f"MNIST is missing; these are {DIGITS_NOTE}", str(error))
    return _read_dataset(key, root, scale)


def _digits(scale, note, reason=""):
    """Return scikit-learn's 1797 digits of 8x8 pixels from 0 to 16, as 28x28 from 0 to 255."""
    from scipy.ndimage import zoom

    # The file of load_digits: importing scikit-learn would take a second.
    package = Path(find_spec("sklearn").origin).parent
    table = np.loadtxt(package / "datasets" / "data" / "digits.csv.gz", delimiter=",")
    small, labels = table[:, :-1], table[:, -1]
    large = zoom(small.reshape(-1, 8, 8), (1, 3.5, 3.5), order=1)
    images, labels = np.rint(large * (255 / 16)).astype(np.uint8), labels.astype(np.int64)
    # Evenly spaced samples, sorted by class: stratified, and the same on every machine.
    by_class = np.argsort(labels, kind="stable")
    test = np.sort(by_class[np.linspace(0, len(labels) - 1, 297).astype(int)])
    train = np.setdiff1d(by_class, test)
    splits = [Split(images[rows], labels[rows], scale) for rows in (train, test)]
    preparation = Preparation(DIGIT, (28, 28))
    return Dataset(
        "digits", *splits, tuple("0123456789"), None, note, reason, preparation=preparation
    )


def _locate(name, data_dir, download, quiet):
    """Return the root that holds all files of a data set, after downloading missing ones."""
    source = DATASETS[name]
    raw = Path(source.folder, "raw")
    some = (root for root in _roots(data_dir) if len(verify.missing(root / raw, source)) < 4)
    root = next(some, None) or _own_root(data_dir)
    missing = verify.missing(root / raw, source)
    if not missing:
        return root
    ours = root == _own_root(data_dir)
    if ours and (data_dir is None if download is None else download):
        fetch(name, root, quiet=quiet)
        return root
    remedy = advice(missing, root / raw)
    remedy += ", or ask for a download (--download, download=True)" if ours else ""
    if len(missing) < 4:
        raise DataError(f"incomplete {source.title}; {remedy}")
    places = ", ".join(map(described, _roots(data_dir)))
    raise UnavailableError(f"{source.title} was not found in {places}; {remedy}")


def _roots(data_dir):
    """Yield the folders to search, lazily: the cache's name costs the import of pooch."""
    if data_dir is None:
        given = (os.environ.get("NP_NN_DATA"), "data")
        yield from (Path(os.path.expanduser(root)) for root in given if root)
    yield _own_root(data_dir)


def _own_root(data_dir):
    """Return the folder that downloads go to: `data_dir`, or without one the cache."""
    root = os.environ.get("NP_NN_CACHE") or None if data_dir is None else data_dir
    if root is not None:
        return Path(os.path.expanduser(root))
    return Path(silently("pooch").os_cache("np_nn"))


def absolute_folders():
    """Make NP_NN_DATA and NP_NN_CACHE absolute: programs started from here may run elsewhere."""
    for name in ("NP_NN_DATA", "NP_NN_CACHE"):
        if folder := os.environ.get(name):
            os.environ[name] = os.path.abspath(os.path.expanduser(folder))


def _read_dataset(name, root, scale):
    source = DATASETS[name]
    found = [(verify.find(root / source.folder / "raw", file), file) for file in source.files]
    arrays = [verify.read_file(path, file) for path, file in found]
    splits = []
    for i in (0, 2):
        images, labels = arrays[i], arrays[i + 1].astype(np.int64)
        verify.check_split(images, labels, found[i][0], found[i + 1][0], len(source.classes))
        splits.append(Split(images, labels, scale))
    unproven = ", ".join(path.name for path, file in found if not verify.provable(path, file))
    note = f"Not verified, as only the .gz has a known checksum: {unproven}" if unproven else ""
    preparation = Preparation(DIGIT if name == "mnist" else IMAGE, images.shape[1:])
    return Dataset(name, *splits, source.classes, root, note, preparation=preparation)


def cache_folder():
    """Return the folder that downloads go to: $NP_NN_CACHE, or the user's cache folder."""
    return _own_root(None)


def located():
    """Return {name: folder with all its files, or None} of DATASETS, without a download."""

    def root(source):
        raw = Path(source.folder, "raw")
        complete = (root for root in _roots(None) if not verify.missing(root / raw, source))
        return next(complete, None)

    return {name: root(source) for name, source in DATASETS.items()}
