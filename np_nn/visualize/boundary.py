"""Draw the decision boundary between two classes of points while a network learns it."""

from pathlib import Path

import numpy as np

import np_nn as nn
from np_nn import plots
from np_nn.analysis.snapshots import Snapshots
from np_nn.data import points
from np_nn.layers import Softmax
from np_nn.plots.plane import landscape
from np_nn.recipes import Recipe
from np_nn.recipes.prepare import prepare
from np_nn.utils.converters import one_of
from np_nn.utils.progress import announce
from np_nn.visualize import network

SETTINGS = Recipe(
    hidden=(16, 16), activation="tanh", bias=True, init="torch", optimizer="adam", lr=0.01,
    batch_size=20, steps=None, epochs=98, replacement=False,
)  # fmt: skip
FRAMES, STRIP = 31, 6  # moments of the animation, and moments in the filmstrip


def parser():
    command = network.parser_of(__doc__, SETTINGS, images=False)
    command.add_argument(
        "--set",
        nargs="+",
        type=one_of("set of points", points.POINTS),
        default=list(points.POINTS),
        metavar="NAME",
        help=f"sets of points: {', '.join(points.POINTS)} (default: all)",
    )
    return command


def draw(args):
    sets, out, settings = dict.fromkeys(args.set), Path(args.out), args.settings
    films = [_film(name, args) for name in announce(sets, "learning {}".format, args.quiet)]
    about = f"{settings.network(2, 2)}, {settings.activation}, {settings.describe()}"
    title = f"Decision boundary during training\n{about}"
    written = [plots.plot_films(films, STRIP, out / f"boundary.{args.format}", title)]
    moments = range(max(len(film.moments) for film in films))
    tasks = announce(moments, "drawing moment {}".format, args.quiet)
    frames = [plots.film_frame(films, moment, about) for moment in tasks]
    return written + [
        plots.save_animation(frames, out / f"boundary.{kind}", about, seconds=0.15)
        for kind in ("gif", "html")
    ]


def _film(name, args):
    """Train on one set of points; return a Film of the network's predictions in the plane."""
    raw = points.load_points(name, args.seed[0])
    quiet = network.change(args, quiet=True)
    prepared = network.prepare(quiet, prepare(args.settings, raw))
    snapshots = Snapshots(FRAMES, power=2)
    model, loss, data, _ = network.train(quiet, [snapshots], prepared)
    moments = []
    for step, state in snapshots.states.items():
        model.load_state_dict(state)
        accuracy = nn.evaluate(model, data.test, loss).accuracy
        land = landscape(_probability(model), raw.train.images)
        moments.append(plots.Moment(step, accuracy, land))
    return plots.Film(name, raw.train.images, raw.train.labels, tuple(moments))


def _probability(model):
    """Return a function: points (M, 2) -> the probability of class 1 (M,)."""
    return lambda at: Softmax()(model(at.astype(np.float32)))[:, 1]
