"""Training time of the published networks that are not run, from the measured speed of a step.

    python reproduction/experiments/hours.py

Each network is built, and trained for a few steps on one thread; its hours are those of all steps
of the published training on all cores of this machine, if these divide the work evenly.
"""

import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a clone needs no installation

import np_nn as nn
from np_nn import cli, ops
from np_nn.utils import machine
from np_nn.utils.markdown import markdown_table

IMAGES = 60_000
BATCH = 24


def simple(channels, kernel):
    """Return a network of An et al. 2020: convolutions without padding or pooling."""
    layers, size, below = [], 28, 1
    for width in channels:
        layers += [nn.Conv2d(below, width, kernel, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
        size, below = size - kernel + 1, width
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(below * size**2, 10))


def wide_resnet():
    """Return the 37 convolutions of 3 x 3 of WRN-40-4, without its shortcuts."""
    layers, below = [nn.Conv2d(1, 16, 3, padding=1, bias=False)], 16
    for width, stride in ((64, 1), (128, 2), (256, 2)):
        for place in range(12):
            step = stride if place == 0 else 1
            conv = nn.Conv2d(below, width, 3, stride=step, padding=1, bias=False)
            layers += [nn.BatchNorm2d(below), nn.ReLU(), conv]
            below = width
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(256 * 7 * 7, 10))


# Of each network: its maker, and the epochs of its published training.
NETWORKS = {
    "An, 3 x 3": (lambda: simple(range(32, 177, 16), 3), 150),
    "An, 5 x 5": (lambda: simple(range(32, 161, 32), 5), 150),
    "An, 7 x 7": (lambda: simple(range(48, 193, 48), 7), 150),
    "WRN-40-4": (wide_resnet, 200),
}


def seconds(model, steps=3):
    """Return the least processor seconds of a training step, for one image."""
    draw = np.random.default_rng(0)
    images = draw.random((BATCH, 1, 28, 28), np.float32)
    labels = draw.integers(0, 10, BATCH)
    loss, optimizer, times = nn.CrossEntropyLoss(), nn.SGD(model.parameters(), lr=1e-3), []
    for _ in range(steps):
        started = time.process_time()
        loss.forward(model.forward(images), labels)
        model.backward(loss.backward(), False)
        optimizer.step()
        times.append(time.process_time() - started)
    return min(times) / BATCH


def main(argv=None):
    cli.Parser(description=__doc__.splitlines()[0]).parse_args(argv)
    ops.set_threads(1)
    rows = []
    for name, (make, epochs) in NETWORKS.items():
        model = make()
        each = seconds(model.train())
        weights = sum(parameter.data.size for parameter in model.parameters())
        hours = each * IMAGES * epochs / machine.cores() / 3600
        rows.append((name, f"{weights:,}", f"{1000 * each:.1f}", epochs, f"{hours:.0f}"))
    print(markdown_table(("network", "weights", "ms an image", "epochs", "hours"), rows))
    print(f"{machine.describe()}; {ops.describe()}")


if __name__ == "__main__":
    cli.run(main)
