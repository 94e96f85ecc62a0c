"""Draw the effect of one change on a training: learning rate, init, batch size, activation."""

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from np_nn import cli, plots
from np_nn.recipes import Recipe, run
from np_nn.training.callbacks import Callback
from np_nn.utils.errors import DivergedError
from np_nn.utils.progress import announce
from np_nn.visualize import network

SETTINGS = Recipe(
    hidden=(64, 64, 64), bias=True, init="kaiming_normal", lr=0.1, batch_size=64, steps=500,
    replacement=False, scale=1 / 255,
)  # fmt: skip


class Family(NamedTuple):
    """Family of trainings: the title of its panel, and the values of the setting that varies."""

    title: str
    values: tuple


FAMILIES = {
    "lr": Family("learning rate", (0.001, 0.01, 0.1, 1.0, 10.0)),
    "init": Family(
        "initialisation", ("zeros", "original", "torch", "kaiming_normal", "standard_normal")
    ),
    "batch_size": Family("batch size", (4, 16, 64, 256, 1024)),
    "activation": Family("activation", ("sigmoid", "tanh", "relu", "elu")),
}


def parser():
    return network.parser_of(__doc__, SETTINGS)


def draw(args):
    data = cli.load(args)
    base = args.settings
    families = {field: _variants(base, field, data) for field in FAMILIES}
    due = {
        settings: f"{FAMILIES[field].title} {value}"
        for field, family in families.items()
        for value, settings in family.items()
    }
    tasks = announce(list(due), due.get, args.quiet)
    found = {
        settings: _train(network.change(args, settings=settings, quiet=True), data)
        for settings in tasks
    }
    effects = {
        FAMILIES[field].title: [
            plots.Effect(_label(value), *found[settings], value == getattr(base, field))
            for value, settings in family.items()
        ]
        for field, family in families.items()
    }
    about = f"{run.network(base, data)}, {base.activation}, on {data.title}, {base.describe()}"
    title = f"Effect of changing one setting\n{about}"
    path = Path(args.out, f"effects.{args.format}")
    return [plots.plot_effects(effects, path, title, data.note, len(data.classes))]


def _variants(base, field, data):
    """Return {value: the base's settings with it}; all train on the same number of samples.

    Batch sizes larger than the training set are left out.
    """
    steps = base.steps or base.epochs * -(-len(data.train) // base.batch_size)
    values = dict.fromkeys((*FAMILIES[field].values, getattr(base, field)))
    changed = {value: replace(base, **{field: value}, epochs=None) for value in values}
    changed = {v: made for v, made in changed.items() if made.batch_size <= len(data.train)}
    return {
        value: replace(settings, steps=max(1, steps * base.batch_size // settings.batch_size))
        for value, settings in changed.items()
    }


class _KeepHistory(Callback):
    """Callback that keeps the History, which a diverging training does not return."""

    def on_epoch_begin(self, training):
        self.history = training.history


def _train(args, data):
    """Train; return (samples seen after each step (k,), losses (k,), whether they diverged)."""
    keep, diverged = _KeepHistory(), False
    try:
        network.train(args, [keep], network.prepare(args, data))
    except DivergedError:
        if not keep.history.done:
            raise
        diverged = True
    loss = keep.history.loss
    return args.settings.batch_size * np.arange(1, len(loss) + 1), loss, diverged


def _label(value):
    return f"{value:g}" if isinstance(value, float) else str(value)
