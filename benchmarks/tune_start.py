"""Search for the recipe start, on held-out training images of three data sets of several sizes.

A first recipe has to be robust: each candidate is trained unchanged, with three times and
a third of its rate, with four narrow layers, and on few images. A row is a candidate, a cell the
mean accuracy on images held out of the training set. The test sets are not used.
"""

from dataclasses import replace

import numpy as np

import np_nn as nn
from np_nn import cli, recipes
from np_nn.recipes.prepare import prepare
from np_nn.recipes.run import train
from np_nn.utils.errors import DivergedError
from np_nn.utils.markdown import markdown_table
from np_nn.utils.progress import announce

BASE = recipes.RECIPES["start"]
HELD_OUT = {"mnist": 5000, "fashion": 5000, "digits": 300}
SETS = (("mnist", 1120), ("mnist", 40), ("fashion", 1400), ("digits", 1200))  # name, images

# Candidates, as changes to BASE. The first one is the one chosen.
CANDIDATES = [
    {},
    {"lr": 0.03},
    {"lr": 0.05},
    {"hidden": (512,)},
    {"hidden": (512,), "batch_size": 32, "lr": 0.07},
    {"input_dropout": 0.0},
    {"input_dropout": 0.2},
    {"dropout": 0.3},
    {"loss": "cross_entropy"},
    {"init": "torch"},
    {"optimizer": "adam", "lr": 0.002},
    {"optimizer": "adam", "lr": 0.001, "schedule": "constant", "loss": "cross_entropy"},
]
STRAINS = {  # changes made to each candidate
    "as it is": lambda settings: settings,
    "lr x 3": lambda settings: replace(settings, lr=3 * settings.lr),
    "lr / 3": lambda settings: replace(settings, lr=settings.lr / 3),
    "4 x 100": lambda settings: replace(settings, hidden=(100,) * 4),
}


def part(name, count):
    """Return a Dataset of `count` training images, with held-out ones as its test split."""
    data = nn.load(name)
    images, labels, held_out = data.train.images, data.train.labels, HELD_OUT[name]
    test = replace(data.train, images=images[-held_out:], labels=labels[-held_out:])
    return replace(
        data, train=replace(data.train, images=images[:count], labels=labels[:count]), test=test
    )


def accuracy(settings, data, seed):
    """Return the accuracy on the held-out images; 0 if training diverges."""
    try:
        return train(settings, prepare(settings, data), seed, quiet=True).test.accuracy
    except DivergedError:
        return 0.0


def main(argv=None):
    command = cli.Parser(description=__doc__.splitlines()[0])
    command.add_argument("--seeds", type=cli.whole_number(1), default=3, metavar="N")
    seeds = range(command.parse_args(argv).seeds)
    sets = {f"{name} {count:,}": part(name, count) for name, count in SETS}
    rows = []
    for changes in announce(CANDIDATES, str):
        for strain, change in STRAINS.items():
            settings = change(replace(BASE, **changes))
            runs = [[accuracy(settings, data, seed) for seed in seeds] for data in sets.values()]
            words = ", ".join(f"{name} {value}" for name, value in changes.items()) or "start"
            rows.append((words, strain, *(f"{np.mean(run):.4f}" for run in runs)))
    print(markdown_table(("candidate", "strain", *sets), rows))
    return 0


if __name__ == "__main__":
    cli.run(main)
