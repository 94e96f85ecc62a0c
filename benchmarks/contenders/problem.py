"""What all contenders share: the data, the first weights, the batches."""

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
TRIAL = 0.15  # seconds for each of the ways that a contender may choose from


@functools.lru_cache
def dataset(name):
    return nn.load(name, scale=1 / 255, quiet=True)


def start(cell):
    """The training split, and the model as np_nn's with the weights that all start from."""
    data = dataset(cell.dataset)
    return data.train, build.model(cell.settings, data, SEED)


def network(name):
    """One of the NETWORKS, with the weights that all start from."""
    return initializers.initialize(NETWORKS[name](), "torch", SEED)


def some(split, count):
    """The first so many images of a split."""
    return nn.Split(split.images[:count], split.labels[:count], split.scale)


def shaped(split, model):
    """The images as a model takes them: (n, 1, 28, 28) or (n, 784) uint8."""
    return split.images[:, None] if inputs.takes_images(model) else flat(split)


def flat(split):
    """The images as rows: (n, 784) uint8."""
    return split.images.reshape(len(split), -1)


def drawn(train, n, batch):
    """A runner that hands ``train`` its batches, (steps, batch) indices, drawn as fit draws them.

    The drawing is part of the time, as it is in fit. ``train`` returns (mean loss, accuracy).
    """
    seeds = itertools.count()

    def run(steps):
        batches = Batches(n, batch, steps=steps, replacement=True, seed=next(seeds))
        return train(next(batches.blocks(lambda: steps)))

    return run


def repeated(call):
    """A runner that calls a function so many times."""

    def run(count):
        for _ in range(count):
            call()

    return run


def fastest(build, options):
    """Build a runner with each of the options, try them, and build the best one anew."""
    return build(min(options, key=lambda option: measure(build(option), TRIAL)))
