"""Selection of the samples of each batch."""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from np_nn.utils import seeds
from np_nn.utils.checks import WIDEST, check_range
from np_nn.utils.errors import NpNNError, wrong_return


class Batches:
    """Iterable over the batches of a run: indices (batch_size,) int in 0..n-1.

    steps: number of batches; or epochs: passes over the set, epochs *
    ceil(n / batch_size) batches. replacement: each batch is drawn from the whole set.
    Without it the set is shuffled once per epoch and divided into batches, the last
    one possibly smaller. order: a function () -> (n,) int, called before each epoch, that
    replaces shuffling. shuffle: ``BlockShuffle``, for samples on disk; None: all are shuffled at
    once. The same seed gives the same batches.

    Raises NpNNError unless exactly one of steps and epochs is given, all numbers are at
    least 1, and a batch is at most as large as the set; and for an order with other indices.
    """

    def __init__(
        self, n, batch_size, *, steps=None, epochs=None, replacement=False, order=None, seed=0,
        shuffle=None,
    ):  # fmt: skip
        if (steps is None) == (epochs is None):
            raise NpNNError("give either steps or epochs")
        for name, value in (("batch size", batch_size), ("steps", steps), ("epochs", epochs)):
            if value is not None:
                check_range(name, value, most=WIDEST)
        if batch_size > n:
            raise NpNNError(
                f"batch size {batch_size} is larger than the training set of {n} images"
            )
        self.n, self.batch_size, self.seed = n, batch_size, seed
        self.replacement, self.order, self.shuffle = replacement, order, shuffle
        self.per_epoch = math.ceil(n / batch_size)
        self.steps = steps or epochs * self.per_epoch

    def __len__(self):
        return self.steps

    def __iter__(self):
        for block in self.blocks(lambda: 1):
            yield block[0]

    @property
    def sizes(self):
        """Number of samples in each batch of an epoch, (per_epoch,) int."""
        sizes = np.full(self.per_epoch, self.batch_size)
        if not self.replacement:
            sizes[-1] -= sizes.sum() - self.n
        return sizes

    @property
    def plan(self):
        """Settings that determine the batches; equal plans give the same batches."""
        return {
            "number of images": self.n,
            "batch size": self.batch_size,
            "replacement": self.replacement,
            "seed": self.seed,
        }

    def blocks(self, most, rng=None, done=0):
        """Yield the same batches in blocks: (k, batch_size) int, k at most ``most()``.

        All batches of a block belong to one epoch, which has ``per_epoch`` batches. To begin after
        ``done`` batches, pass the generator in its state at the start of the current epoch.
        """
        rng = rng or seeds.generator(self.seed, "shuffle")
        return (self._drawn if self.replacement else self._shuffled)(rng, most, done)

    def _drawn(self, rng, most, done):
        rng.integers(0, self.n, (done % self.per_epoch, self.batch_size))
        while done < self.steps:
            k = min(self.steps - done, most(), self.per_epoch - done % self.per_epoch)
            yield rng.integers(0, self.n, (k, self.batch_size))
            done += k

    def _shuffled(self, rng, most, done):
        while done < self.steps:
            order = self._ordered() if self.order else self._shuffle(rng)
            announce = self.shuffle.announcer(order) if self.shuffle else lambda place: None
            order = order[done % self.per_epoch * self.batch_size :]
            while len(order) and done < self.steps:
                announce(self.n - len(order))
                whole = len(order) // self.batch_size
                k = min(self.steps - done, most(), whole) or 1
                size = min(self.batch_size, len(order))
                yield order[: k * size].reshape(k, size)
                order = order[k * size :]
                done += k

    def _shuffle(self, rng):
        return self.shuffle.order(rng, self.n) if self.shuffle else rng.permutation(self.n)

    def _ordered(self):
        order = self.order()
        wanted = f"{self.n} whole numbers of 0..{self.n - 1}"
        try:
            array = np.asarray(order)
        except ValueError:  # rows of different lengths
            raise wrong_return("order", self.order, wanted, order) from None
        if array.dtype.kind not in "iu" or array.shape != (self.n,):
            raise wrong_return("order", self.order, wanted, array)
        if array.min() < 0 or array.max() >= self.n:
            raise wrong_return("order", self.order, wanted, f"{array.min()}..{array.max()}")
        return array.astype(np.int64)


class BlockShuffle(NamedTuple):
    """Shuffled order that reads a few parts of the set at a time.

    Blocks of consecutive samples come in random order, and samples are shuffled within a window of
    several blocks (CorgiPile: Xu et al., "In-database machine learning with CorgiPile", 2022).

    block, window: numbers of samples. ahead: function, called with the samples of each window
    while the one before is in use.
    """

    block: int
    window: int
    ahead: Callable[[np.ndarray], None] | None = None

    def order(self, rng, n):
        """Return the order (n,) int64 of the next epoch."""
        order, end = np.empty(n, np.int64), 0
        for start in rng.permutation(np.arange(0, n, self.block)):
            samples = np.arange(start, min(start + self.block, n))
            order[end : end + len(samples)] = samples
            end += len(samples)
        for start in range(0, n, self.window):
            rng.shuffle(order[start : start + self.window])
        return order

    def announcer(self, order):
        """Return a function that is told each place in an order, and calls `ahead` when due."""
        announced = -1

        def announce(place):
            nonlocal announced
            window = place // self.window
            if self.ahead and window > announced:
                first = window + (announced >= 0)  # at first, the window in use, too
                self.ahead(order[first * self.window : (window + 2) * self.window])
                announced = window

        return announce
