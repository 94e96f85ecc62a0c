"""Location and verification of a data set's files."""

import hashlib
import os

from np_nn.data import idx
from np_nn.data.sources import DATASETS
from np_nn.utils.errors import DataError


def missing(folder, source):
    """Return the files of a source that are not in a folder."""
    return [file for file in source.files if find(folder, file) is None]


def find(folder, file):
    """Return the path of `file` in `folder`, or None. Prefers the unpacked file if provable."""
    return next(filter(_exists, map(folder.joinpath, file.names)), None)


def _exists(path):
    """Return whether a path exists; unlike os.path.lexists, raise DataError if not accessible."""
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise DataError(f"cannot look for data: {error}") from error
    return True


def read_file(path, file):
    """Return the array of a file, verified."""
    stored = idx.read_bytes(path, idx.size_of(file.shape))
    return decode(stored, path, file, provable(path, file))[1]


def provable(path, file):
    """Return whether the SHA-256 of `file` applies to what is at `path`, packed or not."""
    return path.suffix == ".gz" or not file.of_gz


def decode(stored, where, file, provable=True):
    """Return the unpacked content of `file` and its array, both verified."""
    content = idx.unpack(stored, where, idx.size_of(file.shape))
    array = idx.parse(content, where, file.shape)
    if provable:
        _check_sha256(stored if file.of_gz else content, where, file)
    return content, array


def check_split(images, labels, images_name="images", labels_name="labels", n_classes=10):
    """Raise DataError unless each image has one label in 0..n_classes - 1.

    Args:
        images: (n, ...).
        labels: (n,) int.
        images_name: name of the images for messages, such as a file's.
        labels_name: name of the labels for messages.
        n_classes: number of classes.
    """
    n, m = len(images), len(labels)
    if n != m:
        raise DataError(f"{images_name} holds {n} images, but {labels_name} holds {m} labels")
    if m and not 0 <= labels.min() <= labels.max() < n_classes:
        found = f"{labels.min()} to {labels.max()}"
        raise DataError(f"{labels_name}: expected labels 0 to {n_classes - 1}, found {found}")


def _check_sha256(data, where, file):
    found = hashlib.sha256(data).hexdigest()
    if found != file.sha256:
        known = {f.sha256: f"{s.title}'s {f.name}" for s in DATASETS.values() for f in s.files}
        other = known.get(found)
        what = f"this is {other}" if other else f"expected SHA-256 {file.sha256}, found {found}"
        raise DataError(f"{where}: wrong checksum: {what}")
