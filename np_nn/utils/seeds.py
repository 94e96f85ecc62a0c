"""One random generator per purpose, all from one seed.

Drawing more numbers for one purpose (a larger model, say) then changes nothing
in the others (the order of the batches).
"""

from contextlib import contextmanager
from numbers import Integral

import numpy as np

from np_nn.utils.errors import NpNNError

PURPOSES = ("init", "shuffle", "dropout", "augmentation", "fit")

_defaults = {}  # the generators where no seed is given: see manual_seed


def manual_seed(seed):
    """Restart the random numbers of new layers, and the seeds of ``fit`` where none is given.

    seed: int >= 0; it is 0 at import, so that a program that is run again repeats itself. Raises
    NpNNError for another seed.
    """
    for purpose in ("init", "fit"):
        _defaults[purpose] = generator(seed, purpose)


def default(purpose):
    """The generator that ``manual_seed`` restarts for a purpose, "init" or "fit"."""
    return _defaults[purpose]


@contextmanager
def kept(purpose):
    """In a ``with`` block, draw as usual; afterwards the generator of `default` is as before."""
    generator = default(purpose).bit_generator
    before = generator.state
    try:
        yield
    finally:
        generator.state = before


def checked(seed):
    """Return a seed as an int. Raises NpNNError for what is not a whole number of at least 0."""
    if not isinstance(seed, Integral) or seed < 0:
        raise NpNNError(f"the seed must be a whole number of at least 0, got {seed!r}")
    return int(seed)


def chosen(seed):
    """Return the user's seed, or for None the next one of ``manual_seed``."""
    return int(default("fit").integers(2**32)) if seed is None else checked(seed)


def generator(seed, purpose):
    """The np.random.Generator of one purpose; the same for the same seed (int >= 0).

    Raises NpNNError for another seed.
    """
    return np.random.default_rng((checked(seed), PURPOSES.index(purpose)))


class Stream:
    """A key for every call of a layer that draws random numbers: see ``reference/noise.py``.

    state: (seed, calls), all that decides the next key. ``next`` returns it, 64 bits.
    """

    def __init__(self, seed):
        self.state = (int(seed), 0)

    def next(self):
        seed, calls = self.state
        self.state = (seed, calls + 1)
        return _mix(_mix(seed) + calls)


def reseed(model, seed):
    """Restart the streams of a model's layers, each with a seed of its own."""
    rng = generator(seed, "dropout")
    for module in model.modules():
        if hasattr(module, "stream"):
            module.stream = Stream(rng.integers(2**63))


def _mix(x):
    """Neighbouring numbers become 64 bits without a pattern: splitmix64 (Steele et al. 2014)."""
    x = (x + 0x9E3779B97F4A7C15) % 2**64
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    x = (x ^ x >> 27) * 0x94D049BB133111EB % 2**64
    return x ^ x >> 31


manual_seed(0)
