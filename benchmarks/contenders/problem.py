"""Problems shared by all contenders: the data, the initial weights, the batches."""

import functools
import itertools

from cells import NETWORKS
from timing import measure

import np_nn as nn
from np_nn.data.batches import Batches
from np_nn.layers import initializers
from np_nn.recipes import build
from np_nn.training import inputs

SEED = 0
TRIAL = 0.15  # seconds to try each option of a contender


@functools.lru_cache
def dataset(name):
    return nn.load(name, scale=1 / 255, quiet=True)


def start(cell):
    """Return the training split, and np_nn's model with the common initial weights."""
    data = dataset(cell.dataset)
    return data.train, build.model(cell.settings, data, SEED)


def network(name):
    """Return one of the NETWORKS with the common initial weights."""
    return initializers.initialize(NETWORKS[name](), "torch", SEED)


def some(split, count):
    """Return the first `count` images of a split."""
    return nn.Split(split.images[:count], split.labels[:count], split.scale)


def shaped(split, model):
    """Return the images as a model takes them: (n, 1, 28, 28) or (n, 784) uint8."""
    return split.images[:, None] if inputs.takes_images(model) else flat(split)


def flat(split):
    """Return the images as rows: (n, 784) uint8."""
    return split.images.reshape(len(split), -1)


def drawn(train, n, batch):
    """Return a runner that calls ``train`` with its batches, drawn as fit draws them.

    Drawing counts in the time, as it does in fit. train: (steps, batch) indices -> (mean loss,
    accuracy).
    """
    seeds = itertools.count()

    def run(steps):
        batches = Batches(n, batch, steps=steps, replacement=True, seed=next(seeds))
        return train(next(batches.blocks(lambda: steps)))

    return run


def repeated(call):
    """Return a runner that calls a function `count` times."""

    def run(count):
        for _ in range(count):
            call()

    return run


def fastest(build, options):
    """Build a runner with each of the options, time them, and build the fastest one again."""
    return build(min(options, key=lambda option: measure(build(option), TRIAL)))
