"""Images of a stored set: an array that stays on disk."""

import math
import mmap
import os
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np

from np_nn.data.batches import BlockShuffle
from np_nn.data.stored import layout
from np_nn.reference import Rows
from np_nn.utils.errors import DataError, NpNNError

MOST_BYTES = 2**30  # maximum size of a copy in memory


class Files:
    """Files of a part of a stored set, mapped into memory read-only.

    folder: Path. part: "train" or "test". about: the part's description. digest: of the set.
    shuffle: (samples per block, samples per window) of the set's order, a ``BlockShuffle``.
    Raises DataError for files that are missing or have the wrong size.
    """

    def __init__(self, folder, part, about, digest, shuffle):
        self._arguments = folder, part, about, digest, shuffle
        self.part, self.about, self.digest, self.shuffle = part, about, digest, shuffle
        paths = {name: layout.path(folder, part, name) for name in layout.shapes(about)}
        self.stamps = {path: stamp(path) for path in paths.values()}
        for name, size in layout.sizes(about).items():
            _check_size(paths[name], self.stamps[paths[name]], size)
        self.maps = {name: _mapped(path) for name, path in paths.items()}
        self.arrays = {
            name: np.frombuffer(self.maps[name], dtype).reshape(shape)
            for name, (dtype, shape) in layout.shapes(about).items()
        }

    def check(self):
        """Raise DataError if a file has changed since it was opened: its end may be missing."""
        for path, before in self.stamps.items():
            if stamp(path) != before:
                raise DataError(
                    f"{path}: changed while it was read; when nothing writes it any more, start "
                    "again, or resume from a checkpoint"
                )

    def read_ahead(self, start, stop):
        """Let the system read samples `start` to `stop` into its cache."""
        self.check()
        for name, array in self.arrays.items():
            rows = start, stop
            if name in ("columns", "values"):
                rows = self.arrays["indptr"][start], self.arrays["indptr"][stop]
            begin, end = (int(row) * array[:1].nbytes for row in rows)
            begin -= begin % mmap.PAGESIZE
            if end > begin:
                self.maps[name].madvise(mmap.MADV_WILLNEED, begin, end - begin)

    def __reduce__(self):
        return Files, self._arguments


def stamp(path):
    """Return [size, time of the last change in ns] of a file; None if there is none."""
    with suppress(OSError):
        found = path.stat()
        return [found.st_size, found.st_mtime_ns]
    return None


def _check_size(path, found, size):
    if found is None:
        raise DataError(f"{path}: missing or unreadable: {layout.AGAIN}")
    if found[0] != size:
        raise DataError(
            f"{path}: {found[0]:,} bytes, not {size:,}: it was truncated or changed; {layout.AGAIN}"
        )


def _mapped(path):
    """Return the bytes of a file, mapped read-only; an empty file cannot be mapped."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if size else b""
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error


@dataclass(frozen=True, eq=False)
class StoredImages:
    """Images (n, ...) uint8, or samples float32, of a stored set; they stay on disk.

    An index of any kind gives an array in memory, as does ``np.asarray``; that raises NpNNError
    for more than MOST_BYTES.
    """

    files: Files
    start: int
    stop: int

    @property
    def shape(self):
        return (len(self), *self.files.about["shape"])

    @property
    def dtype(self):
        return np.dtype(self.files.about["dtype"])

    @property
    def ndim(self):
        return len(self.shape)

    @property
    def size(self):
        return math.prod(self.shape)

    @property
    def digest(self):
        """Text that identifies the images, by the digest of the set and their place in it."""
        return f"{self.files.digest} {self.files.part} {self.start}:{self.stop}"

    @property
    def shuffle(self):
        """The BlockShuffle of the set's order."""
        return BlockShuffle(*self.files.shuffle, self.read_ahead)

    @property
    def compressed(self):
        """True if the files hold compressed rows, False if they hold the images."""
        return self.files.about["compressed"]

    @property
    def rows(self):
        """The images as compressed rows, a reference.Rows of the files.

        Raises NpNNError for images that are stored as they are, and for files that have changed.
        """
        if not self.compressed:
            raise NpNNError(
                "sparse input is for compressed images; the set stores these as they are, because "
                "many of their pixels are not 0"
            )
        self.files.check()
        arrays = self.files.arrays
        indptr = arrays["indptr"][self.start : self.stop + 1]
        return Rows(indptr, arrays["columns"], arrays["values"], math.prod(self.shape[1:]))

    @property
    def numbers(self):
        """The numbers (k,) in the files, of compressed images only those that are not 0."""
        if not self.compressed:
            return self._dense.reshape(-1)
        indptr, _, values, _ = self.rows
        return values[indptr[0] : indptr[-1]]

    @property
    def _dense(self):
        self.files.check()
        return self.files.arrays["images"][self.start : self.stop]

    def read_ahead(self, indices):
        """Let the system read the blocks of these images (N,) into its cache, without waiting."""
        if not hasattr(mmap, "MADV_WILLNEED"):
            return
        block, last = self.files.shuffle[0], self.stop
        for number in np.flatnonzero(np.bincount(indices // block)):
            start = self.start + int(number) * block
            self.files.read_ahead(start, min(start + block, last))

    def __len__(self):
        return self.stop - self.start

    def part(self, start, stop):
        """Return the images from `start` to `stop`, as of a slice; they stay on disk."""
        start, stop, _ = slice(start, stop).indices(len(self))
        return replace(self, start=self.start + start, stop=self.start + max(start, stop))

    def __getitem__(self, key):
        return self._read(self._indices(key))

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self[:], dtype)

    def _indices(self, key):
        """Return an int, or indices (N,) int64 from 0 on."""
        count = len(self)
        if isinstance(key, slice):
            return np.arange(*key.indices(count))
        if isinstance(key, int | np.integer):
            return range(count)[key]
        indices = np.asarray(key)
        if indices.dtype == bool:
            return np.flatnonzero(indices)
        indices = indices.astype(np.int64, copy=False)
        if indices.size and not -count <= indices.min() <= indices.max() < count:
            raise IndexError(f"indices {indices.min()}..{indices.max()} of {count} images")
        return np.where(indices < 0, indices + count, indices)

    def _read(self, indices):
        """Return samples in memory: one of an int, several (N, ...) of indices (N,)."""
        if isinstance(indices, int):
            return self._read(np.array([indices]))[0]
        size = len(indices) * self.dtype.itemsize * math.prod(self.shape[1:])
        if size > MOST_BYTES:
            raise NpNNError(
                f"{size:,} bytes of a stored set do not fit into memory (at most {MOST_BYTES:,}): "
                "distort images when they are stored (np-nn store --distort), deskew them before, "
                "and take others in smaller parts"
            )
        if not self.compressed:
            return self._dense[indices]
        return _expanded(self.rows, indices).reshape(len(indices), *self.shape[1:])


def _expanded(rows, indices):
    """Return images (N, I) uint8 of compressed rows."""
    begins, ends = rows.indptr[indices], rows.indptr[indices + 1]
    counts = ends - begins
    before = np.cumsum(counts) - counts  # entries of the images before, in this batch
    places = np.repeat(begins - before, counts) + np.arange(counts.sum())
    out = np.zeros((len(indices), rows.width), np.uint8)
    out[np.repeat(np.arange(len(indices)), counts), rows.columns[places]] = rows.values[places]
    return out
