"""Fraction of non-zero pixels above which a dense first layer is faster: split.MOST_DENSITY.

Prints a table: the time of a training step of 784-512-10, batch 256, on dense and on compressed
input, for images with a given fraction of random non-zero pixels, and for the real data sets.
"""

import itertools
import statistics

import numpy as np
from cells import CENTRE
from contenders.problem import dataset
from timing import measure

import np_nn as nn
from np_nn import cli, models, ops
from np_nn.data.split import MOST_DENSITY
from np_nn.recipes import build
from np_nn.utils import machine
from np_nn.utils.markdown import markdown_table

SHARES = [tenth / 10 for tenth in range(1, 11)]
IMAGES = 10_000
INPUTS = ("dense", "sparse")


def main(argv=None):
    command = cli.Parser(description=__doc__)
    command.add_argument("--rounds", type=cli.whole_number(1), default=5, metavar="N")
    command.add_argument("--seconds", type=float, default=0.25, metavar="X", help="of one turn")
    command.add_argument("--threads", type=cli.whole_number(1), default=machine.cores())
    args = command.parse_args(argv)
    ops.set_threads(args.threads)

    print(f"On {machine.describe()}; {args.threads} threads, {ops.describe()}.\n")
    rows = [row(title, split, args) for title, split in splits()]
    header = ("pixels not zero", "share", "dense, ms per step", "sparse, ms per step",
              "dense / sparse")  # fmt: skip
    print(markdown_table(header, rows))
    print(f"\nnp_nn chooses sparse up to a share of {MOST_DENSITY:g}.")
    return 0


def splits():
    """Yield (title, Split): random images of each fraction, then the real ones."""
    rng = np.random.default_rng(0)
    for share in SHARES:
        images = rng.integers(1, 256, (IMAGES, 28, 28), np.uint8)
        images[rng.random(images.shape) >= share] = 0
        yield "random", nn.Split(images, rng.integers(0, 10, IMAGES))
    for name in ("mnist", "fashion"):
        yield nn.DATASETS[name].title, dataset(name).train


def row(title, split, args):
    """Return one row of the table."""
    steps = {name: trainer(split, name) for name in INPUTS}
    times = {name: [] for name in INPUTS}
    for _, name in itertools.product(range(args.rounds), INPUTS):
        times[name].append(measure(steps[name], args.seconds)[0])
    dense, sparse = (statistics.median(times[name]) for name in INPUTS)
    share = np.count_nonzero(split.images) / split.images.size
    return title, f"{share:.2f}", f"{dense:.3f}", f"{sparse:.3f}", f"{dense / sparse:.2f}"


def trainer(split, name):
    """Return a runner: a function that trains `steps` steps on this kind of input."""
    model = models.mlp((784, *CENTRE.hidden, 10))
    optimizer = build.optimizer(CENTRE.settings, model.parameters())
    loss = nn.CrossEntropyLoss()
    options = {"batch_size": CENTRE.batch, "replacement": True, "quiet": True, "input": name}
    return lambda steps: nn.fit(model, split, loss, optimizer, steps=steps, **options)


if __name__ == "__main__":
    cli.run(main)
