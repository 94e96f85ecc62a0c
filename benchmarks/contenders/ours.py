"""Tasks of np_nn, on the compiled kernels or on NumPy."""

import importlib
import itertools
import os

import numpy as np
from cells import CENTRE, MOMENTUM_SGD, Cell, NetworkCell

import np_nn as nn
from contenders import problem
from contenders.kernel_cases import CASES, DENSE_TWINS, Inputs
from np_nn import ops
from np_nn.recipes import build
from np_nn.training import inputs, steps


class Tasks:
    """Tasks of np_nn. variant: argument of ``np_nn.use``; "own": the module NP_NN_USE."""

    def __init__(self, threads, variant):
        self.own = variant == "own"
        ops.use(importlib.import_module(os.environ["NP_NN_USE"]) if self.own else variant)
        ops.set_threads(threads)
        self.threads, self.compiled = threads, variant != "numpy"

    def train(self, cell):
        """Return a runner of ``fit``, as users call it."""
        cell = Cell(**cell)
        split, model = problem.start(cell)
        optimizer = build.optimizer(cell.settings, model.parameters())
        loss, seeds = nn.CrossEntropyLoss(), itertools.count()
        options = {"batch_size": cell.batch, "replacement": True, "quiet": True}

        def run(steps):
            history = nn.fit(
                model, split, loss, optimizer, steps=steps, seed=next(seeds), **options
            )
            return float(history.loss.mean()), float(history.accuracy.mean())

        return run

    def train_network(self, cell):
        """Return a runner of ``fit``'s steps; arrays are made once, as in a long run of ``fit``."""
        cell = NetworkCell(**cell)
        split, model = problem.dataset("mnist").train, problem.network(cell.network)
        optimizer = nn.SGD(model.parameters(), **MOMENTUM_SGD)
        images, rates = inputs.choose(split, model), np.array([optimizer.lr])
        step = steps.build(model, images, split.labels, nn.CrossEntropyLoss(), optimizer)

        def train(block):
            losses, correct = zip(*(step(batch[None], rates) for batch in block), strict=True)
            return float(np.mean(losses)), float(np.sum(correct)) / block.size

        return problem.drawn(train, len(split), cell.batch)

    def kernel(self, case):
        """Return a runner of one operation: kernel, best counterpart in NumPy, or own function."""
        name, inputs = case.split()[0], Inputs()
        if self.own:
            call, arguments = getattr(ops, name), CASES[case](inputs)
        elif self.compiled:
            call, arguments = ops.KERNELS[name], (*CASES[case](inputs), self.threads)
        elif name in DENSE_TWINS:
            return problem.repeated(lambda: DENSE_TWINS[name](inputs))
        else:
            call, arguments = ops.REFERENCE[name], CASES[case](inputs)
        return problem.repeated(lambda: call(*arguments))

    def predict(self):
        """Return a runner of the outputs for the test set, compressing the images each time."""
        model, test = problem.start(CENTRE)[1], problem.dataset(CENTRE.dataset).test
        return problem.repeated(
            lambda: nn.predict(model, nn.Split(test.images, test.labels, test.scale))
        )

    def predict_compressed(self):
        """Return a runner of the outputs for the test set, compressed by an earlier call."""
        model, test = problem.start(CENTRE)[1], problem.dataset(CENTRE.dataset).test
        return problem.repeated(lambda: nn.predict(model, test))

    def predict_network(self, name, count):
        """Return a runner of the outputs for the first `count` test images."""
        model, test = problem.network(name), problem.some(problem.dataset("mnist").test, count)
        return problem.repeated(lambda: nn.predict(model, test))

    def compress(self):
        """Return a runner that compresses the training set into rows."""
        images = problem.flat(problem.dataset(CENTRE.dataset).train)
        return problem.repeated(lambda: ops.compress(images))

    def product(self, n, m, k):
        """Return a runner of a dense matrix product, (n, m) by (m, k)."""
        a, b = np.ones((n, m), np.float32), np.ones((m, k), np.float32)
        out = np.empty((n, k), np.float32)
        return problem.repeated(lambda: np.matmul(a, b, out=out))

    def copy(self, megabytes):
        """Return a runner of a copy in memory; NumPy does it on one thread."""
        source = np.ones(megabytes * 250_000, np.float32)
        target = np.empty_like(source)
        return problem.repeated(lambda: np.copyto(target, source))
