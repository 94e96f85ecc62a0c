"""Points of two classes in the plane, for pictures of what a network learns."""

import numpy as np

from np_nn.data import Dataset, Split
from np_nn.utils.errors import unknown_name

TRAIN, TEST = 200, 300  # numbers of points


def load_points(name, seed=0):
    """Return the Dataset `name`, one of POINTS: points (n, 2) float32, labels 0 and 1.

    The same name and seed (int >= 0) give the same points. Raises NpNNError for another name.
    """
    if name not in POINTS:
        raise unknown_name("set of points", name, POINTS)
    x, y = POINTS[name](TRAIN + TEST, seed)
    x, y = x.astype(np.float32), y.astype(np.int64)
    train, test = Split(x[:TRAIN], y[:TRAIN]), Split(x[TRAIN:], y[TRAIN:])
    return Dataset(name, train, test, ("0", "1"), None)


def _blobs(n, seed):
    from sklearn.datasets import make_blobs

    return make_blobs(n, centers=[[-1, -0.6], [1, 0.6]], cluster_std=0.5, random_state=seed)


def _moons(n, seed):
    from sklearn.datasets import make_moons

    return make_moons(n, noise=0.15, random_state=seed)


def _circles(n, seed):
    from sklearn.datasets import make_circles

    return make_circles(n, noise=0.1, factor=0.5, random_state=seed)


def _xor(n, seed):
    """Draw four clouds, of which opposite ones have the same class."""
    from sklearn.datasets import make_blobs

    corners = [[-1, -1], [1, 1], [-1, 1], [1, -1]]
    x, corner = make_blobs(n, centers=corners, cluster_std=0.4, random_state=seed)
    return x, corner // 2


def _spirals(n, seed):
    """Draw two spiral arms of one and a half turns each (after Lang and Witbrock 1988)."""
    rng = np.random.default_rng(seed)
    y = rng.integers(2, size=n)
    turn = 3 * np.pi * np.sqrt(rng.uniform(0.02, 1, n))
    arm = turn / turn.max() * np.array([np.cos(turn + np.pi * y), np.sin(turn + np.pi * y)])
    return 2 * arm.T + rng.normal(0, 0.06, (n, 2)), y


POINTS = {  # from easy to hard
    "blobs": _blobs,
    "moons": _moons,
    "circles": _circles,
    "xor": _xor,
    "spirals": _spirals,
}
