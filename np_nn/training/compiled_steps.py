"""Many training steps of a multilayer perceptron in one compiled call."""

import time
from typing import NamedTuple

import numpy as np

from np_nn import ops
from np_nn.layers import BatchNorm1d, Dropout, Linear, ReLU, ScaledTanh, Sigmoid, Tanh
from np_nn.layers.module import Module, Sequential
from np_nn.losses import CrossEntropyLoss, MSELoss
from np_nn.optim import SGD, Adadelta, Adagrad, Adam, AdamW, RMSprop
from np_nn.reference import Dense, Drop, Norm
from np_nn.training.inputs import SparseFeed
from np_nn.utils.pace import TRIAL, Pace

# Optimizers that mlp_steps supports, with its names for their rules.
RULES = {
    SGD: "sgd", Adagrad: "adagrad", RMSprop: "rmsprop", Adadelta: "adadelta", Adam: "adam",
    AdamW: "adam",
}  # fmt: skip
ACTIVATIONS = (ReLU, Sigmoid, Tanh, ScaledTanh)
MOST_LAYERS = 32  # maximum layers of the kernel
FOLD = 64  # at batch size 1, calls must be multiples of FOLD steps to be bit-identical
LARGE = 1 / 4  # fraction of the set from which batches are read in memory order (faster)
CALL_SECONDS = 0.1  # of a compiled call: long enough to hide its overhead, short for Ctrl-C


class Block(NamedTuple):
    """Linear layer with its optional norm, activation and dropout: a Dense of mlp_steps."""

    linear: Linear
    norm: BatchNorm1d | None
    activation: Module | None
    drop: Dropout | None

    @classmethod
    def take(cls, layers):
        """Remove a Block from the front of a list of layers; linear is None without a Linear."""

        def next_of(kinds):
            return layers.pop(0) if layers and type(layers[0]) in kinds else None

        return cls(*map(next_of, ((Linear,), (BatchNorm1d,), ACTIVATIONS, (Dropout,))))

    @property
    def plain(self):
        """True if the block has neither norm nor dropout, as the last one must."""
        return self.norm is None and self.drop is None

    @property
    def known(self):
        """True if the block has no norm, or one that the kernel supports."""
        if self.norm is None:
            return True
        fits = self.norm.config["num_features"] == self.linear.weight.shape[1]
        return fits and self.norm.weight is not None and self.norm.momentum is not None


def blocks(model):
    """Return the layers of a Sequential as [Block] for mlp_steps; [] if it cannot take them."""
    found, rest = [], list(model)
    while rest:
        found.append(Block.take(rest))
        if found[-1].linear is None or not found[-1].known:
            return []
    fits = found and found[-1].plain and len(found) <= MOST_LAYERS
    return found if fits else []


def has_gradients(model, feed, loss):
    """Return whether the kernel can compute a model's gradients: Blocks on sparse input."""
    return (
        ops.fast("mlp_steps")
        and isinstance(feed, SparseFeed)
        and _known_loss(loss)
        and type(model) is Sequential
        and bool(blocks(model))
        and all(module.training for module in model.modules())
        and all(p.data.dtype == np.float32 for p in model.parameters())
    )


class CompiledSteps:
    """Training steps of a multilayer perceptron, many in one call of the kernel ``mlp_steps``.

    The numbers are those of LayerSteps, without the interpreter between the steps. The
    parameters' ``grad`` is not filled in.
    """

    @staticmethod
    def fit(model, feed, loss, optimizer):
        """Return whether the kernel can train the model with this optimizer."""
        return (
            has_gradients(model, feed, loss)
            and type(optimizer) in RULES
            and list(map(id, optimizer.parameters)) == list(map(id, model.parameters()))
        )

    def use(self, feed):
        """Take batches from another feed: the same images, with new distortions."""
        self.feed = feed

    def __init__(self, model, feed, labels, loss, optimizer, l2):
        self.use(feed)
        self.labels, self.loss, self.optimizer, self.l2 = labels, loss, optimizer, l2
        self._squares = l2.squares()
        self.blocks = blocks(model)
        self.activations = tuple(
            b.activation.name if b.activation else "identity" for b in self.blocks
        )
        moments = dict(zip(map(id, optimizer.parameters), optimizer.moments, strict=True))
        self.layers = [_dense(block, moments) for block in self.blocks]
        self._drops = any(block.drop for block in self.blocks)
        self._pace, self._seconds = Pace(ops.threads), np.inf  # of a step
        self._own = ops.own.get("mlp_steps")  # the user's function in place of the kernel

    def most(self, batch_size, wanted):
        """Return the maximum steps of the next call, which takes about CALL_SECONDS with them.

        The first call is short, because the time of a step is not known yet. At most `wanted`,
        except that at batch size 1 the number is a multiple of FOLD, and at least FOLD.
        """
        most = min(wanted, int((2 * TRIAL if self._pace.tries else CALL_SECONDS) / self._seconds))
        multiple = FOLD if batch_size == 1 else 1
        return max(1, most // multiple) * multiple

    def __call__(self, batches, rates):
        """Train on batches (K, N) int of images at the learning rates (K,).

        Returns the mean loss (K,) and the number of correct images (K,) of each batch.
        """
        started, optimizer, tries = time.perf_counter(), self.optimizer, self._pace.tries
        if batches.shape[1] >= LARGE * len(self.labels) and not self._drops:
            batches = np.sort(batches, axis=1)  # with dropout, masks would go to other images
        pairs = zip(self.blocks, self.layers, strict=True)
        layers = [self._begin(*pair, len(batches)) for pair in pairs]
        share = self.l2.alpha / batches.shape[1]
        losses, correct = (self._own or self._kernel)(
            self.feed.rows, self.labels, np.ascontiguousarray(batches), self.feed.scale,
            self.feed.shift, layers, self.activations, self._loss(batches.shape[1]),
            RULES[type(optimizer)], rates, optimizer.steps, optimizer.settings, share,
        )  # fmt: skip
        for block in self.blocks:
            if block.norm:
                block.norm.num_batches_tracked.data += len(batches)
        losses += share / 2 * self._penalties(len(batches))
        optimizer.steps += len(batches)
        seconds = time.perf_counter() - started
        self._pace.note(seconds, len(batches))
        if not tries:
            self._seconds = seconds / len(batches)
        return losses, correct

    def _kernel(self, *arguments):
        return ops.KERNELS["mlp_steps"](*arguments, self._pace.threads)

    @staticmethod
    def _begin(block, dense, steps):
        """Return the Dense of a Block, with its dropout keys of the next `steps` steps."""
        if not block.drop or not block.drop.p:
            return dense
        keys = np.array([block.drop.stream.next() for _ in range(steps)], np.uint64)
        return dense._replace(drop=Drop(block.drop.p, keys))

    def _penalties(self, count):
        """Return the squared weights before each step (count,), interpolated within the call."""
        before, self._squares = self._squares, self.l2.squares()
        return np.linspace(before, self._squares, count, endpoint=False)

    def _loss(self, count):
        """Return the loss as the kernel takes it, for batches of `count` images."""
        if isinstance(self.loss, CrossEntropyLoss):
            return "cross_entropy", self.loss.smoothing
        return "mse", self.loss.factor((count, self.layers[-1].weight.shape[1]))


def _known_loss(loss):
    if type(loss) is CrossEntropyLoss:
        return loss.weight is None and not loss.is_sum
    return type(loss) is MSELoss


def _dense(block, moments):
    """Return a Block's arrays as a Dense; moments: {id of a Parameter: its moments}."""

    def of(layer):
        weight, bias = layer.weight, layer.bias
        return (
            weight.data, bias and bias.data, moments[id(weight)], moments[id(bias)] if bias else ()
        )  # fmt: skip

    norm = block.norm and Norm(
        *of(block.norm), block.norm.running_mean.data, block.norm.running_var.data,
        block.norm.eps, block.norm.momentum,
    )  # fmt: skip
    return Dense(*of(block.linear), norm)
