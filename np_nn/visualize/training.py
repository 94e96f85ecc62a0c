"""Draw how a network learns: its curves, its weights and gradients, and what it looks for."""

from pathlib import Path

import numpy as np

import np_nn as nn
from np_nn import plots
from np_nn.cli import pictures
from np_nn.data.batches import Batches
from np_nn.recipes import build, run
from np_nn.visualize import network

OBSERVATIONS = 60  # at least, where there are as many iterations
UNITS = 16  # of the first layer that are drawn
TITLES = {  # of the pictures, by the names of their files
    "training": "Loss and accuracy in training, and the learning rate",
    "training_norms": "How large weights and gradients are",
    "training_dead": "Dead units: those that give the same for every image",
    "training_histograms": "How the weights spread, with the logarithm of how many as height",
    "training_filters": "What units of the first layer look for: the weights of their pixels",
}


def parser():
    command = network.parser(__doc__, recipe="plain")
    command.set_defaults(validation=10_000)
    return command


def draw(args):
    settings, prepared = args.settings, network.prepare(args)
    model, loss, data = prepared
    every = max(1, len(Batches(len(data.train), **settings.plan)) // OBSERVATIONS)
    observer = nn.Observer(data.train, loss, every=every)
    *_, result = network.train(args, [observer], prepared)
    seen, about = observer.observations, run.about(settings, data)
    steps, layers = np.array([each.step for each in seen]), _layers(model)

    def picture(name, plot, *content):
        path = Path(args.out) / f"{name}.{args.format}"
        return plot(*content, path=path, title=f"{TITLES[name]}\n{about}", note=data.note)

    return [
        picture(
            "training", plots.plot_learning,
            pictures.curve("NumPy", result), _rates(settings, result.history),
        ),
        picture(
            "training_norms", plots.plot_norms,
            steps, *(_series(seen, field, _numbered(layers)) for field in ("weights", "gradients")),
        ),
        picture(
            "training_dead", plots.plot_dead,
            steps, _series(seen, "dead", _numbered(seen[0].dead)),
        ),
        picture(
            "training_histograms", plots.plot_histograms,
            steps, _series(seen, "histograms", layers),
        ),
        picture(
            "training_filters", plots.plot_filters_learnt,
            _units(observer.start, model.state_dict(), data.train.images.shape[1:]),
        ),
    ]  # fmt: skip


def _series(seen, field, names):
    """{what it is called in the picture: its value in each Observation}."""
    return {title: [getattr(each, field)[name] for each in seen] for name, title in names.items()}


def _numbered(names):
    return {name: f"layer {i}" for i, name in enumerate(names, 1)}


def _layers(model):
    """{name of a weight: what it is called in the pictures}: of matrices, not of biases."""
    shapes = {name: array.shape for name, array in model.state_dict().items() if array.ndim > 1}
    return {
        name: f"{title}: {' x '.join(map(str, shapes[name]))}"
        for name, title in _numbered(shapes).items()
    }


def _rates(settings, history):
    """The learning rate of each step that was made."""
    schedule = build.schedule(settings)
    return [settings.lr * schedule(step, history.steps) for step in range(history.done)]


def _units(before, after, shape):
    """{time: weights of the units of the first layer that changed most, as images}."""
    name = next(name for name, array in after.items() if array.ndim > 1)
    change = (after[name] - before[name]).reshape(len(after[name]), -1)
    most = np.argsort(-np.linalg.norm(change, axis=1), kind="stable")[:UNITS]

    def images(state):
        chosen = state[name][most]
        return chosen[:, 0] if chosen.ndim == 4 else chosen.reshape(-1, *shape)

    return {"before training": images(before), "after training": images(after)}
