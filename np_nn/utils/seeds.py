"""Random generators, one per purpose, all derived from one seed.

Drawing more numbers for one purpose (such as a larger model) does not change the numbers of
another (such as the order of the batches).
"""

from contextlib import contextmanager
from numbers import Integral

import numpy as np

from np_nn.utils.errors import NpNNError

PURPOSES = ("init", "shuffle", "dropout", "augmentation", "fit", "store")

_defaults: dict = {}  # generators used where no seed is given: see manual_seed


def manual_seed(seed: int) -> None:
    """Restart the random numbers of new layers, and the seeds of ``fit`` where none is given.

    seed: int >= 0. It is 0 at import, so that a program gives the same numbers at each run.
    Raises NpNNError for another seed.
    """
    for purpose in ("init", "fit"):
        _defaults[purpose] = generator(seed, purpose)


def default(purpose):
    """Return the generator that ``manual_seed`` restarts for a purpose, "init" or "fit"."""
    return _defaults[purpose]


@contextmanager
def kept(purpose):
    """Restore the generator of `default` to its present state at the end of a ``with`` block."""
    generator = default(purpose).bit_generator
    before = generator.state
    try:
        yield
    finally:
        generator.state = before


def checked(seed):
    """Return a seed as an int. Raises NpNNError unless it is a whole number of at least 0."""
    if not isinstance(seed, Integral) or seed < 0:
        raise NpNNError(f"the seed must be a whole number of at least 0, got {seed!r}")
    return int(seed)


def chosen(seed):
    """Return the user's seed, or for None the next seed of the "fit" generator."""
    return int(default("fit").integers(2**32)) if seed is None else checked(seed)


def generator(seed, purpose, *place):
    """Return the np.random.Generator of one purpose; the same for the same seed (int >= 0).

    place: whole numbers, one generator for each. Raises NpNNError for another seed.
    """
    return np.random.default_rng((checked(seed), PURPOSES.index(purpose), *place))


class Stream:
    """Stream of keys, one per call of a layer that draws random numbers: ``reference/noise.py``.

    state: (seed, calls), which determines the next key. ``next`` returns that key, 64 bits.
    """

    def __init__(self, seed):
        self.state = (int(seed), 0)

    def next(self):
        seed, calls = self.state
        self.state = (seed, calls + 1)
        return _mix(_mix(seed) + calls)


def of_part(state, part):
    """Return the state of a Stream with which part number `part` of a batch draws its own keys."""
    seed, calls = state
    return _mix(seed) + part, calls


def reseed(model, seed):
    """Restart the streams of a model's layers, each with a seed of its own."""
    rng = generator(seed, "dropout")
    for module in model.modules():
        if hasattr(module, "stream"):
            module.stream = Stream(rng.integers(2**63))


def _mix(x):
    """Hash an integer to 64 bits by splitmix64 (Steele et al. 2014); neighbours decorrelate."""
    x = (x + 0x9E3779B97F4A7C15) % 2**64
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    x = (x ^ x >> 27) * 0x94D049BB133111EB % 2**64
    return x ^ x >> 31


manual_seed(0)
