"""Draw how a network learns: its curves, weights, gradients, and first-layer filters."""

from dataclasses import replace
from pathlib import Path

import numpy as np

import np_nn as nn
from np_nn import cli, plots
from np_nn.cli import pictures
from np_nn.data.batches import Batches
from np_nn.data.split import is_images
from np_nn.recipes import build, run
from np_nn.recipes.prepare import hold_out
from np_nn.visualize import network

HELD_OUT = 10_000  # maximum held-out training samples, for the validation curves
OBSERVATIONS = 60  # minimum number, if there are as many iterations
UNITS = 16  # maximum units of the first layer that are drawn
TITLES = {  # of the pictures, by the names of their files
    "training": "Loss and accuracy in training, and the learning rate",
    "training_norms": "Norms of weights and gradients",
    "training_dead": "Dead units, whose output is the same for every sample",
    "training_histograms": "Histograms of the weights, heights logarithmic",
    "training_filters": "Filters: input weights of units of the first layer",
}


def parser():
    command = network.parser(__doc__, recipe="plain")
    command.epilog = (
        f"Without --validation, a sixth of the training samples is held out, at most {HELD_OUT:,}."
    )
    return command


def draw(args):
    prepared = network.prepare(args, _data(args))
    settings, (model, loss, data) = args.settings, prepared
    every = max(1, len(Batches(len(data.train), **settings.plan)) // OBSERVATIONS)
    observer = nn.Observer(data.train, loss, every=every)
    *_, result = network.train(args, [observer], prepared)
    seen, about = observer.observations, run.about(settings, data)
    steps, layers = np.array([each.step for each in seen]), _layers(model)

    def picture(name, plot, *content):
        path = Path(args.out) / f"{name}.{args.format}"
        return plot(*content, path=path, title=f"{TITLES[name]}\n{about}", note=data.note)

    written = [
        picture(
            "training", plots.plot_learning,
            pictures.curve("NumPy", result), _rates(settings, result.history),
        ),
        picture(
            "training_norms", plots.plot_norms,
            steps, *(_series(seen, field, _numbered(layers)) for field in ("weights", "gradients")),
        ),
        picture(
            "training_histograms", plots.plot_histograms,
            steps, _series(seen, "histograms", layers),
        ),
        picture(
            "training_filters",
            *_filters(_units(observer.start, model.state_dict(), data.train.images.shape[1:]), data)
        ),
    ]  # fmt: skip
    if seen[0].dead:
        dead = _series(seen, "dead", _numbered(seen[0].dead))
        return [*written, picture("training_dead", plots.plot_dead, steps, dead)]
    network.note("no picture of dead units: the network has no activation")
    return written


def _data(args):
    """Return the data set, with training samples held out even without --validation."""
    data = cli.load(args)
    count = min(HELD_OUT, len(data.train) // 6)
    if data.validation is not None or not count:
        return data
    train, held_out = hold_out(data.train, count)
    return replace(data, train=train, validation=held_out)


def _series(seen, field, names):
    """Return {name in the picture: list of its value in each Observation}."""
    return {title: [getattr(each, field)[name] for each in seen] for name, title in names.items()}


def _numbered(names):
    return {name: f"layer {i}" for i, name in enumerate(names, 1)}


def _layers(model):
    """Return {name of a weight: its name in the pictures}, without biases."""
    shapes = {name: array.shape for name, array in model.state_dict().items() if array.ndim > 1}
    return {
        name: f"{title}: {' x '.join(map(str, shapes[name]))}"
        for name, title in _numbered(shapes).items()
    }


def _rates(settings, history):
    """Return the learning rate of each step that was made."""
    schedule = build.schedule(settings)
    return [settings.lr * schedule(step, history.steps) for step in range(history.done)]


def _units(before, after, shape):
    """Return {time: weights of the units of the first layer that changed most}.

    They have a sample's shape; if the channels are not colours, only the first is kept.
    """
    name = next(name for name, array in after.items() if array.ndim > 1)
    change = (after[name] - before[name].astype(float)).reshape(len(after[name]), -1)
    most = np.argsort(-np.linalg.norm(change, axis=1), kind="stable")[:UNITS]

    def images(state):
        chosen = state[name][most]
        chosen = chosen if chosen.ndim == 4 else chosen.reshape(-1, *shape)
        return chosen if chosen.ndim < 4 or chosen.shape[1] == 3 else chosen[:, 0]

    return {"before training": images(before), "after training": images(after)}


def _filters(stages, data):
    """Return the function that draws the weights of units, and its arguments."""
    if is_images(data.train.images):
        return plots.plot_filters_learnt, stages
    count, columns = data.train.images[0].size, data.preparation.columns
    return plots.plot_feature_weights, stages, columns or [str(i + 1) for i in range(count)]
