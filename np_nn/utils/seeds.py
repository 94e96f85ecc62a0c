"""One random generator per purpose, all from one seed.

Drawing more numbers for one purpose (a larger model, say) then changes nothing
in the others (the order of the batches).
"""

import numpy as np

PURPOSES = ("init", "shuffle", "dropout", "augmentation")


def generator(seed, purpose):
    """The np.random.Generator of one purpose; the same for the same seed (int >= 0)."""
    return np.random.default_rng((seed, PURPOSES.index(purpose)))


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
