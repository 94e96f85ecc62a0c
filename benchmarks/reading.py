"""Time to read a folder of 60,000 small PNGs.

    python benchmarks/reading.py [--images N] [--rounds N]

Prints a table of medians: Pillow alone, in one process per thread by multiprocessing, beside
np_nn.load, which also sorts names, checks each file and orders the samples.
"""

import glob
import multiprocessing
import os
import statistics
import tempfile

import numpy as np
from PIL import Image
from timing import timed

import np_nn as nn
from np_nn import cli, ops
from np_nn.utils import machine
from np_nn.utils.markdown import markdown_table

CHUNK = 500  # files per task of a process


def main(argv=None):
    command = cli.Parser(description=__doc__)
    command.add_argument("--images", type=cli.whole_number(20), default=60_000, metavar="N")
    command.add_argument("--rounds", type=cli.whole_number(1), default=5, metavar="N")
    args = command.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        write(folder, args.images)
        tasks = {
            f"Pillow, {ops.threads} processes": lambda: pillow(folder),
            "np_nn.load": lambda: nn.load(folder, quiet=True),
        }
        times = {name: [] for name in tasks}
        for _ in range(args.rounds):
            for name, task in tasks.items():
                times[name].append(timed(lambda _, task=task: task(), 1))
    seconds = {name: statistics.median(taken) for name, taken in times.items()}
    alone = seconds[next(iter(tasks))]
    print(f"On {machine.describe()}; {args.images:,} PNGs, medians of {args.rounds} rounds.\n")
    rows = [(name, f"{taken:.2f}", f"{taken / alone:.2f}") for name, taken in seconds.items()]
    print(markdown_table(("", "seconds", "times Pillow"), rows))
    return 0


def write(folder, count):
    """Write digits of 28 x 28 as PNGs, into a folder for each class."""
    digits = nn.load("digits").train
    for i in range(count):
        label = digits.labels[i % len(digits)]
        os.makedirs(f"{folder}/{label}", exist_ok=True)
        Image.fromarray(digits.images[i % len(digits)]).save(f"{folder}/{label}/{i}.png")


def pillow(folder):
    """Read all images by Pillow alone, in `ops.threads` processes."""
    paths = glob.glob(f"{folder}/*/*.png")
    chunks = [paths[start : start + CHUNK] for start in range(0, len(paths), CHUNK)]
    methods = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("fork" if "fork" in methods else None)  # the fastest
    with context.Pool(ops.threads) as pool:
        return np.concatenate(pool.map(read, chunks, chunksize=1))


def read(paths):
    return np.stack([np.asarray(Image.open(path)) for path in paths])


if __name__ == "__main__":
    cli.run(main)
