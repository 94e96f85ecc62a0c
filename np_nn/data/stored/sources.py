"""Shards of a set to be stored, from a Split or from a generator of blocks."""

import math
import signal
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from np_nn import ops
from np_nn.data.split import Split, check_samples, in_memory, is_matrix
from np_nn.data.stored.layout import encode
from np_nn.utils import seeds
from np_nn.utils.errors import DataError, NpNNError, shown, wrong_return

SHARD_BYTES = 2**25  # of the samples of a shard before they are compressed: bounds the memory
GROUP = 2  # shards per process that are computed before any of them is written


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
        numbers = iter(range(start, per_copy * max(1, self.copies)))
        if jobs == 1:
            yield from (self.shard(number, size, compressed) for number in numbers)
            return
        from joblib import Parallel, delayed

        kernels = "auto" if ops.active else "numpy"
        with Parallel(jobs) as parallel:
            with held_interrupts():  # start the processes: Ctrl-C is for this one alone
                parallel(delayed(abs)(0) for _ in range(jobs))
            while group := list(islice(numbers, GROUP * jobs)):
                tasks = (delayed(_work)(kernels, self, n, size, compressed) for n in group)
                try:
                    arrays = parallel(tasks)
                except BrokenExecutor:
                    raise NpNNError(
                        "store: a process was killed, perhaps for want of memory; the same command "
                        "continues where this one ended, and fewer jobs take less"
                    ) from None
                yield from arrays

    def shard(self, number, size, compressed):
        """Return the arrays of one shard of `size` samples."""
        copy, block = divmod(number, math.ceil(len(self.split) / size))
        place = slice(block * size, (block + 1) * size)
        images, labels = in_memory(self.split.images[place]), self.split.labels[place]
        if self.copies:
            images = self._distorted(images, seeds.generator(self.seed, "store", copy, block))
        return encode(images, labels, compressed)

    def _distorted(self, images, rng):
        found = self.augment(images, rng)
        if not isinstance(found, np.ndarray) or (found.dtype, found.shape) != (
            images.dtype, images.shape
        ):  # fmt: skip
            wanted = f"images like its argument, {images.dtype} of shape {images.shape}"
            raise wrong_return("augment", self.augment, wanted, found)
        return found


@contextmanager
def held_interrupts():
    """Hold back Ctrl-C in a ``with`` block, and for ever in the processes that start in it."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work(kernels, arrays, *shard):
    """Return the arrays of a shard, in another process."""
    ops.use(kernels)
    return arrays.shard(*shard)


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
