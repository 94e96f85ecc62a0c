"""Draw the loss around the path of a training, on the plane in which the path varies most."""

from dataclasses import replace
from pathlib import Path

import numpy as np

import np_nn as nn
from np_nn import cli, plots
from np_nn.analysis import loss_surface
from np_nn.analysis.snapshots import Snapshots
from np_nn.recipes import run
from np_nn.utils.progress import announce
from np_nn.visualize import network

MOMENTS = 31  # points of the path
SHAPE = 4, 3  # aspect ratio of the map
MARGIN = 1.7  # size of the map in sizes of the path


def parser():
    command = network.parser(__doc__, recipe="fast98")
    number = {"type": cli.whole_number(2), "metavar": "N"}
    command.add_argument("--grid", default=31, help="points per axis (default: 31)", **number)
    command.add_argument(
        "--images", default=500, help="training samples of the loss (default: 500)", **number
    )
    return command


def draw(args):
    snapshots = Snapshots(MOMENTS)
    model, loss, data, _ = network.train(args, [snapshots])
    path = loss_surface.path_weights(model, snapshots.states.values())
    plane = loss_surface.principal_plane(path)
    across, up = _grid(plane.path, args.grid)
    some = _first(data.train, args.images)
    lines = announce(list(up), "the loss at height {:.1f}".format, args.quiet)
    heights = loss_surface.loss_surface(
        model, lambda: nn.evaluate(model, some, loss, input=args.input).loss, plane, across, lines
    )
    title = f"Loss surface around the path of training\n{run.about(args.settings, data)}"
    file = Path(args.out, f"surface.{args.format}")
    steps = list(snapshots.states)
    return [
        plots.plot_surface(
            across, up, heights, plane.path, steps, plane.shares, file, title, data.note
        )
    ]


def _grid(path, points):
    """Return coordinates around the path, in a frame of SHAPE: across and up, (points,) each."""
    low, high = path.min(axis=0), path.max(axis=0)
    reach = MARGIN * np.max((high - low) / SHAPE) * np.array(SHAPE)
    return np.linspace((low + high - reach) / 2, (low + high + reach) / 2, points).T


def _first(split, count):
    return replace(split, images=split.images[:count], labels=split.labels[:count])
