"""Train rows of table B by their source's own rule, which is not the gradient of a loss.

With t the targets, o the outputs of a layer, x its inputs and W its weights, the source (Mr-
TalhaIlyas, Neural-Network-from-Scratch-using-Numpy) computes for each layer

    e = t - o of the last layer, and e_below = W^T e: without derivatives
    dW = sum over the batch of (e o (1 - o)) x^T
    db = sum over batch and units of e o (1 - o), divided by the batch size: one number

Its momentum is an average, v = b v + (1 - b) g; its Adam counts the steps of each epoch from 1;
its batches follow the order of the file. The rows of np_nn use the true gradient.
"""

import dataclasses
import itertools
import statistics
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a clone needs no installation

import np_nn as nn
from np_nn import cli, ops
from np_nn.recipes import RECIPES, build
from np_nn.recipes.prepare import prepare
from np_nn.reproduce.results import Results, Summary

STORED = Path(__file__).resolve().parents[1] / "results.json"

# Settings of the source's files that differ from the Recipe's. SIMPLE: of NN_IDX_Simple.py, plain
# descent. An average of b = 0.7 makes the steps of classical momentum at 1 - b times the rate.
SIMPLE = {"init": "standard_normal", "bias": False}
PUBLISHED = {
    "gd_60000": {"lr": 1e-6, **SIMPLE},
    "gd_1000": {"lr": 1e-4, **SIMPLE},
    "gd_1": {"lr": 0.01, **SIMPLE},
    "momentum_60000": {"lr": 1e-6 * (1 - 0.8)},
    "momentum_1000": {"lr": 1e-4 * (1 - 0.7)},
    "momentum_1": {"lr": 0.01 * (1 - 0.9)},
    "adagrad_60000": {"lr": 0.1, "init": "standard_normal"},
    "adagrad_100": {},
    "adagrad_1": {},
    "adam_60000": {},
    "adam_100": {},
    "adam_1": {},
}


class SourceLayer(nn.Linear):
    """Layer of logistic units, trained by the source's rule; the first one takes sparse batches.

    ``backward`` takes and returns -e of this layer and of the one below.
    """

    def forward(self, x):
        out = super().forward(x)
        self.ctx.out = ops.sigmoid_forward(out, out)
        return out

    def backward(self, grad, input_grad=True):
        x, out = self.ctx.x, self.ctx.out
        delta = ops.sigmoid_backward(grad, out, self._work("delta", out.shape, out.dtype))
        if self.bias:
            self.bias.grad[...] = delta.sum() / len(delta)
        if not input_grad:
            x.transposed_times(delta, self.weight.grad)
            return None
        np.matmul(x.T, delta, out=self.weight.grad)
        return np.matmul(grad, self.weight.data.T, out=self._work("below", x.shape, grad.dtype))


class SourceNetwork(nn.Sequential):
    """Network of SourceLayers for MSELoss, whose gradient is twice that of the source's error."""

    def backward(self, grad, input_grad=True):
        return super().backward(grad / 2, input_grad)


class RestartedCount(nn.Callback):
    """Restart of the optimizer's step count each epoch, which only Adam reads."""

    def on_epoch_begin(self, training):
        training.optimizer.steps = 0


def published(row):
    """Return the Recipe of a row with the source's settings."""
    return dataclasses.replace(RECIPES[row], **PUBLISHED[row])


def network(settings, data, seed):
    """Return the SourceNetwork of a Recipe for a Dataset, its weights initialized from `seed`."""
    sizes = itertools.pairwise(settings.sizes(data.train.images[0].size))
    layers = [SourceLayer(*size, bias=settings.bias) for size in sizes]
    return nn.initialize(SourceNetwork(*layers), settings.init, seed)


def train(model, settings, data, quiet=False):
    """Train a SourceNetwork by the source's rule; return its History and its test accuracy."""
    loss = build.loss(settings, data)
    history = nn.fit(
        model, data.train, loss, build.optimizer(settings, model.parameters()),
        epochs=settings.epochs, batch_size=settings.batch_size,
        order=lambda: np.arange(len(data.train)), callbacks=[RestartedCount()],
        input="sparse", quiet=quiet,
    )  # fmt: skip
    return history, nn.evaluate(model, data.test, loss, input="sparse").accuracy


def report(row, args, stored):
    """Train a row with each seed and print the results; return whether it was interrupted."""
    recipe, settings = RECIPES[row], published(row)
    if args.start:
        start = published(args.start)
        settings = dataclasses.replace(settings, init=start.init, bias=start.bias)
    if args.epochs:
        settings = dataclasses.replace(settings, epochs=args.epochs)
    if args.quick:
        settings = dataclasses.replace(settings, dataset="digits", batch_size=100, epochs=2)
    data = prepare(settings, nn.load(settings.dataset, quiet=True))
    found = []
    for seed in range(args.seeds):
        history, accuracy = train(network(settings, data, seed), settings, data, args.quiet)
        length = f"{history.epochs:,} of {settings.epochs:,} epochs, {history.train_seconds:.1f} s"
        print(f"{row}, seed {seed}: {accuracy:.4f} ({length})", flush=True)
        if history.interrupted:
            return True
        found.append(accuracy)
    spread = f" ± {statistics.stdev(found):.4f}" if len(found) > 1 else ""
    ours = Summary(recipe, stored.of(recipe))
    print(
        f"{row}: {statistics.mean(found):.4f}{spread} (n={len(found)}) by the source's rule, "
        f"published {recipe.published:.4f}, by the true gradient "
        + (f"{ours.accuracy:.4f} (n={ours.n})" if ours.n else "not run"),
        flush=True,
    )
    return False


def main(argv=None):
    command = cli.Parser(description=__doc__.splitlines()[0])
    add = command.add_argument
    add("rows", nargs="+", metavar="ROW", choices=PUBLISHED, help=f"of {', '.join(PUBLISHED)}")
    add("--seeds", type=cli.whole_number(1), default=1, metavar="N", help="networks of each row")
    add("--epochs", type=cli.whole_number(1), metavar="N", help="epochs (default: published)")
    add("--start", metavar="ROW", choices=PUBLISHED, help="draw weights and biases as for ROW")
    add("--quick", action="store_true", help="2 epochs on small data, as a test")
    add("--quiet", action="store_true", help="show no progress")
    cli.add_threads_option(add)
    args = cli.parse(command, argv)
    stored = Results(STORED)
    return 130 if any(report(row, args, stored) for row in args.rows) else 0


if __name__ == "__main__":
    cli.run(main)
