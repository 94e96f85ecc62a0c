"""Trial of a reader's file: its functions on all cases, and a training with them."""

import functools
import time
from types import ModuleType

import np_nn as nn
from np_nn import cli, ops
from np_nn.course import c_code
from np_nn.course.judge import compare
from np_nn.course.lessons import LESSONS
from np_nn.recipes import build
from np_nn.recipes.run import about
from np_nn.utils.errors import NpNNError
from np_nn.utils.replace import check_parameters
from np_nn.utils.user_code import guard, load_module

SECONDS = 5  # maximum of a training with the reader's function
BASE = "--hidden 64 --bias --scale 0.00392157 --init torch --lr 0.1 --batch-size 128 --steps 300"


def load(path):
    """Check all functions of a file. Raises NpNNError with the first fault."""
    module, guarded, lesson = _module(path), guard(path), LESSONS[path.name]
    for name in lesson.hints:
        mine = getattr(module, name, None)
        if mine is None:
            raise NpNNError(f"{name} is missing: define it, as np-nn course writes it")
        check_parameters(name, mine, lesson.reference(name))
        for arguments in lesson.cases(name):
            compare(lesson, name, mine, arguments, guarded)


def _module(path):
    """Return a file as a module. Raises NpNNError if that fails."""
    if path.suffix != ".c":
        return load_module(path)
    module = ModuleType(path.stem)
    vars(module).update(c_code.load(path, LESSONS[path.name].solved.bind))
    return module


# ---- Training ---------------------------------------------------------------------------------


class Limit(nn.Callback):
    """Callback that ends a training after SECONDS."""

    def __init__(self):
        self.end = time.perf_counter() + SECONDS

    def on_batch_end(self, training):
        training.stop = time.perf_counter() > self.end


def train(path):
    """Return (title, options, rows) of trainings with the file, with NumPy and with the kernels.

    rows: (name, test accuracy, steps, milliseconds of a step).
    """
    own_words = getattr(LESSONS[path.name].solved, "OPTIONS", ())
    words = [*BASE.split(), *own_words, "--threads", "1"]  # the arrays are small
    args = cli.parse(cli.parser(""), [*words, "--quiet"])
    args.download = False
    data = cli.load(args)
    uses = [(path.name, "numpy", _module(path)), ("NumPy", "numpy", {})]
    uses += [("kernels", "compiled", {})] if ops.KERNELS else []
    train = functools.partial(_train, args.settings, data)
    rows = guard(path)(lambda: [(name, *train(*use)) for name, *use in uses])
    return about(args.settings, data), [*words, "--dataset", data.name], rows


def _train(settings, data, kernels, own):
    """Train once; return the test accuracy, the steps, and the milliseconds of a step."""
    model, loss = build.model(settings, data, 0), nn.CrossEntropyLoss()
    optimizer, limits = build.optimizer(settings, model.parameters()), [Limit()] if own else []
    with nn.use(kernels), nn.use(own):
        history = nn.fit(
            model, data.train, loss, optimizer, **build.fit_options(settings, data),
            callbacks=limits, seed=0, quiet=True,
        )  # fmt: skip
    return nn.evaluate(model, data.test).accuracy, history.done, history.step_ms_median
