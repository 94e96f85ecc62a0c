"""One random generator per purpose, all from one seed.

Drawing more numbers for one purpose (a larger model, say) then changes nothing
in the others (the order of the batches).
"""

import numpy as np

PURPOSES = ("init", "shuffle", "dropout", "augmentation")


def generator(seed, purpose):
    """The np.random.Generator of one purpose; the same for the same seed (int >= 0)."""
    return np.random.default_rng((seed, PURPOSES.index(purpose)))
