"""Draw how a network learns: its curves, its weights and gradients, and what it looks for."""

from pathlib import Path

import numpy as np

import np_nn as nn
from np_nn import cli, losses, pictures, plots, report, schedules
from np_nn.batches import Batches
from np_nn.visualize import network

OBSERVATIONS = 60  # at least, where there are as many iterations
UNITS = 16  # of the first layer that are drawn


def parser():
    command = network.parser(__doc__)
    command.set_defaults(hidden=[256, 128, 64], validation=10_000)
    return command


def draw(args):
    settings, data = args.settings, cli.load(args)
    every = max(1, len(Batches(len(data.train), **settings.plan)) // OBSERVATIONS)
    observer = nn.Observer(data.train, losses.build(settings, data), every=every)
    model, loss, _, history = network.train(args, [observer], data)
    result = report.Result(args.seed[0], history, nn.evaluate(model, data.test, loss))
    seen, about = observer.observations, report.about(settings, data)
    steps, layers = np.array([each.step for each in seen]), _layers(model)

    def picture(plot, name, what, *content):
        path = Path(args.out) / f"{name}.{args.format}"
        return plot(*content, path=path, title=f"{what}\n{about}", note=data.note)

    return [
        picture(
            plots.plot_learning, "training", "Learning",
            pictures.curve("NumPy", result), _rates(settings, history),
        ),
        picture(
            plots.plot_norms, "training_norms", "Size of weights and gradients",
            steps, _series(seen, "weights", layers), _series(seen, "gradients", layers),
        ),
        picture(
            plots.plot_dead, "training_dead", "Dead units",
            steps, _series(seen, "dead", _numbered(seen[0].dead)),
        ),
        picture(
            plots.plot_histograms, "training_histograms", "How the weights spread",
            steps, _series(seen, "histograms", layers),
        ),
        picture(
            plots.plot_filters_learnt, "training_filters", "What units of the first layer look for",
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
    schedule = schedules.build(settings)
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
