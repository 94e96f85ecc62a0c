"""Which samples make up each batch."""

import math

from np_nn import seeds
from np_nn.errors import NpNNError


class Batches:
    """The indices of each batch of a run: iterate it for arrays (batch_size,) int in 0..n-1.

    steps: how many batches; or epochs: passes over the set, epochs *
    ceil(n / batch_size) batches. replacement: each batch is drawn anew from the
    whole set. Without it the set is shuffled once an epoch and cut into batches,
    the last one smaller if need be. order: a function () -> (n,) int, asked before each
    epoch, that takes the place of shuffling. The same seed gives the same batches.

    Raises NpNNError unless exactly one of steps and epochs is given, all are at
    least 1, and a batch is no larger than the set.
    """

    def __init__(
        self, n, batch_size, *, steps=None, epochs=None, replacement=False, order=None, seed=0
    ):
        if (steps is None) == (epochs is None):
            raise NpNNError("give either steps or epochs")
        for name, value in (("batch size", batch_size), ("steps", steps), ("epochs", epochs)):
            if value is not None and value < 1:
                raise NpNNError(f"{name} must be at least 1, got {value}")
        if batch_size > n:
            raise NpNNError(
                f"batch size {batch_size} is larger than the training set of {n} images"
            )
        self.n, self.batch_size, self.seed = n, batch_size, seed
        self.replacement, self.order = replacement, order
        self.per_epoch = math.ceil(n / batch_size)
        self.steps = steps or epochs * self.per_epoch

    def __len__(self):
        return self.steps

    def __iter__(self):
        for block in self.blocks(lambda: 1):
            yield block[0]

    def blocks(self, most, rng=None):
        """Yield the same batches, several at a time: (k, batch_size) int, k at most ``most()``.

        All batches of a block belong to one epoch, which is ``per_epoch`` batches. rng: the
        generator that they are drawn from, that of the seed unless another is given.
        """
        rng = rng or seeds.generator(self.seed, "shuffle")
        return self._drawn(rng, most) if self.replacement else self._shuffled(rng, most)

    def _drawn(self, rng, most):
        left = self.steps
        while left:
            done = (self.steps - left) % self.per_epoch
            k = min(left, most(), self.per_epoch - done)
            yield rng.integers(0, self.n, (k, self.batch_size))
            left -= k

    def _shuffled(self, rng, most):
        left = self.steps
        while left:
            order = self.order() if self.order else rng.permutation(self.n)
            while len(order) and left:
                whole = len(order) // self.batch_size
                k, size = min(left, most(), whole) or 1, min(self.batch_size, len(order))
                yield order[: k * size].reshape(k, size)
                order = order[k * size :]
                left -= k
