"""Shards of a set to be stored, from a Split or from a generator of blocks."""

import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from np_nn.data.split import Split, check_samples, is_matrix
from np_nn.data.stored.layout import encode
from np_nn.data.stored.workers import in_order
from np_nn.utils import seeds
from np_nn.utils.errors import DataError, NpNNError, shown, wrong_return

SHARD_BYTES = 2**25  # of the samples of a shard before they are compressed: bounds the memory


@dataclass(frozen=True)
class Arrays:
    """Shards of a Split: its samples, or `copies` distorted copies of them.

    Each shard is distorted by random numbers of its own, so that any number of processes gives the
    same bytes.
    """

    split: Split
    copies: int = 0
    augment: Any = None
    seed: int = 0

    @property
    def first(self):
        """A Split of the first samples, which shows what the others are."""
        return self.split

    @property
    def samples(self):
        """Number of samples of all shards."""
        return len(self.split) * max(1, self.copies)

    def shards(self, start, compressed, jobs):
        """Yield the arrays of the shards from number `start` on, see ``layout.encode``."""
        size = _size(self.split.images)
        per_copy = math.ceil(len(self.split) / size)
        numbers = range(start, per_copy * max(1, self.copies))
        tasks = (self._task(size, *divmod(number, per_copy)) for number in numbers)
        return in_order(partial(_shard, compressed, self.augment), tasks, jobs)

    def _task(self, size, copy, number):
        """Return the samples of a shard, and the random generator that distorts them."""
        place = slice(number * size, (number + 1) * size)
        images, labels = self.split.images[place], self.split.labels[place]
        return images, labels, seeds.generator(self.seed, "store", copy, number)


def _shard(compressed, augment, images, labels, rng):
    """Return the arrays of a shard, distorted unless `augment` is None."""
    return encode(_distorted(augment, images, rng) if augment else images, labels, compressed)


def _distorted(augment, images, rng):
    found = augment(images, rng)
    if not isinstance(found, np.ndarray) or (found.dtype, found.shape) != (
        images.dtype, images.shape
    ):  # fmt: skip
        wanted = f"images like its argument, {images.dtype} of shape {images.shape}"
        raise wrong_return("augment", augment, wanted, found)
    return found


class Blocks:
    """Shards of an iterator over blocks (images, labels), which is read once."""

    samples = None  # not known

    def __init__(self, blocks):
        self._splits = (_split_of(number, block) for number, block in enumerate(blocks))
        self.first = next(self._splits, None)
        if self.first is None:
            raise DataError("store: the source yields no block of (images, labels)")

    def shards(self, start, compressed, jobs):
        """Yield the arrays of all shards; those before `start` are stored already."""
        for images, labels in self._regrouped(_size(self.first.images)):
            yield encode(images, labels, compressed)

    def _regrouped(self, size):
        """Yield pairs (images, labels) of `size` samples each, the last of fewer."""
        waiting, count, split = [], 0, self.first
        while split is not None:
            _check_alike(self.first, split)
            waiting.append((split.images, split.labels))
            count += len(split)
            while count >= size:
                whole = _joined(waiting)
                yield tuple(array[:size] for array in whole)
                waiting, count = [tuple(array[size:] for array in whole)], count - size
            split = next(self._splits, None)
        if count:
            yield _joined(waiting)


def _size(images):
    """Return the number of samples per shard."""
    return max(1, SHARD_BYTES // max(1, images.dtype.itemsize * math.prod(images.shape[1:])))


def _joined(pairs):
    return pairs[0] if len(pairs) == 1 else tuple(map(np.concatenate, zip(*pairs, strict=True)))


def _split_of(number, block):
    """Return a checked Split of a block. Raises NpNNError, with the block's number."""
    if not isinstance(block, tuple | list) or len(block) != 2:
        raise DataError(f"store: block {number} of the source is not a pair (images, labels)")
    try:
        split = Split(*block)
        check(split)
    except NpNNError as error:
        raise DataError(f"store: block {number} of the source: {error}") from None
    return split


def _check_alike(first, other):
    kinds = [(one.images.dtype.name, one.images.shape[1:]) for one in (first, other)]
    if kinds[0] != kinds[1]:
        (dtype, shape), (wanted, known) = kinds[1], kinds[0]
        raise DataError(
            f"store: a block of {dtype} samples of shape {shape}, but the first block has "
            f"{wanted} of {known}; whole numbers of 0..255 are pixels, give others as floats"
        )


def check(split):
    """Raise NpNNError unless a Split can be stored: finite samples (n, ...) with class numbers."""
    if is_matrix(split.images):
        raise NpNNError("a scipy.sparse matrix is not stored: give images, or pixels as bytes")
    check_samples(split)
    if split.images.ndim < 2 or not split.images.size:
        raise NpNNError(f"samples of shape {split.images.shape}; (n, ...) is needed, without 0")
    if split.labels.dtype != np.int64 or split.labels.ndim != 1:
        raise NpNNError("the labels must be class numbers (n,), whole numbers from 0 on")
    if split.labels.min() < 0:
        raise NpNNError(f"label {shown(split.labels.min())}: class numbers begin with 0")
