"""One training step after the other: through the layers, or many in one compiled call."""

import time

import numpy as np

from np_nn import ops
from np_nn.constraints import Limits
from np_nn.feed import SparseFeed
from np_nn.fusion import fuse
from np_nn.layers import Linear, ReLU, ScaledTanh, Sigmoid, Tanh
from np_nn.losses import CrossEntropyLoss, MSELoss
from np_nn.module import Sequential
from np_nn.optim import SGD, Adadelta, Adagrad, Adam, AdamW, RMSprop
from np_nn.penalty import L2
from np_nn.reference import Dense

# What mlp_steps can train with, under its own names.
RULES = {
    SGD: "sgd", Adagrad: "adagrad", RMSprop: "rmsprop", Adadelta: "adadelta", Adam: "adam",
    AdamW: "adam",
}  # fmt: skip
ACTIVATIONS = {ReLU: "relu", Sigmoid: "sigmoid", Tanh: "tanh", ScaledTanh: "scaled_tanh"}
TRY_EVERY = 16  # calls, to try the other number of threads
CLEARLY = 0.8  # the share of the time that it must need to be taken
MOST_LAYERS = 32  # that the kernel has room for
FOLD = 64  # mlp_steps gives the bits of one long call if calls of one image a step are multiples
LARGE = 1 / 4  # share of the set: such a batch is taken in the order of memory, which is faster
CALL_SECONDS = 0.03  # of one compiled call: long enough to cost nothing, short enough for Ctrl-C


class LayerSteps:
    """A step as the textbook has it: forward, loss, backward, update."""

    def __init__(self, model, feed, labels, loss, optimizer, limits, l2):
        self.model, self.feed, self.labels = fuse(model), feed, labels
        self.loss, self.optimizer, self.limits, self.l2 = loss, optimizer, limits, l2

    def use(self, feed):
        """Take the batches from another feed from now on: the same images, distorted anew."""
        self.feed = feed

    def most(self, batch_size, wanted):
        """How many steps the next call may make."""
        return 1

    def __call__(self, block, rates):
        """Train on the batches of block (1, N) int at the learning rates (1,).

        Returns the mean loss of each batch (1,), and how many images were right (1,).
        """
        x, y = self.feed(block[0]), self.labels[block[0]]
        self.optimizer.lr = float(rates[0])  # a NumPy scalar would make the update float64

        logits = self.model.forward(x)
        loss = self.loss.forward(logits, y)
        self.model.backward(self.loss.backward(), input_grad=False)
        if self.l2:
            n = self.loss.count(y)
            loss += self.l2.alpha / n / 2 * self.l2.squares()
            self.l2.backward(n)
        self.limits.before(self.optimizer.parameters)
        self.optimizer.step()
        self.limits.after(self.optimizer.parameters)

        return np.array([loss]), np.array([self.loss.count_correct(logits, y)])


class CompiledSteps:
    """Many steps of a plain multilayer perceptron in one call of the kernel ``mlp_steps``.

    The same numbers as LayerSteps, without the interpreter between the steps. The
    parameters' ``grad`` is not filled in.
    """

    @staticmethod
    def fit(model, feed, loss, optimizer):
        """Whether the kernel can train this: Linear and activations in turn, on sparse input."""
        return (
            "mlp_steps" in ops.active
            and isinstance(feed, SparseFeed)
            and _known_loss(loss)
            and type(optimizer) in RULES
            and type(model) is Sequential
            and 0 < len(model) < 2 * MOST_LAYERS
            and all(type(layer) is Linear for layer in model[::2])
            and all(type(layer) in ACTIVATIONS for layer in model[1::2])
            and all(p.data.dtype == np.float32 for p in model.parameters())
            and list(map(id, optimizer.parameters)) == list(map(id, model.parameters()))
        )

    def use(self, feed):
        """Take the batches from another feed from now on: the same images, distorted anew."""
        self.rows, self.scale, self.shift = feed.rows, feed.scale, feed.shift

    def __init__(self, model, feed, labels, loss, optimizer, l2):
        self.use(feed)
        self.labels, self.loss, self.optimizer, self.l2 = labels, loss, optimizer, l2
        self._squares = l2.squares()
        self.activations = [ACTIVATIONS[type(layer)] for layer in model[1::2]]
        if len(model) % 2:
            self.activations.append("identity")
        moments = dict(zip(map(id, optimizer.parameters), optimizer.moments, strict=True))
        self.layers = [
            Dense(
                layer.weight.data,
                layer.bias and layer.bias.data,
                moments[id(layer.weight)],
                moments[id(layer.bias)] if layer.bias else (),
            )
            for layer in model[::2]
        ]
        # Any number of threads computes the same bits. But where other programs keep the cores
        # busy, one thread is many times faster than several that wait for each other.
        self._threads, self._other = ops.threads, 1
        self._calls, self._most, self._pace = 0, 1, 0.0

    def most(self, batch_size, wanted):
        """How many steps the next call may make: so many that it takes about CALL_SECONDS.

        No more than are wanted, if one call gives the bits of several then: see FOLD.
        """
        most = min(wanted, self._most // 4 if self._tries() else self._most)
        multiple = FOLD if batch_size == 1 else 1
        return max(1, most // multiple) * multiple

    def _tries(self):
        """Whether the next call is to find out if the other number of threads is faster now."""
        return self._calls % TRY_EVERY == TRY_EVERY - 1

    def __call__(self, block, rates):
        """Train on the batches of block (K, N) int at the learning rates (K,).

        Returns the mean loss of each batch (K,), and how many images were right (K,).
        """
        started, optimizer, tries = time.perf_counter(), self.optimizer, self._tries()
        threads = self._other if tries else self._threads
        if block.shape[1] >= LARGE * len(self.labels):
            block = np.sort(block, axis=1)
        share = self.l2.alpha / block.shape[1]
        losses, correct = ops.KERNELS["mlp_steps"](
            self.rows, self.labels, np.ascontiguousarray(block), self.scale, self.shift,
            self.layers, tuple(self.activations), self._loss(block.shape[1]),
            RULES[type(optimizer)], rates, optimizer.steps, optimizer.settings, share, threads,
        )  # fmt: skip
        losses += share / 2 * self._penalties(len(block))
        optimizer.steps += len(block)
        optimizer.lr = float(rates[-1])
        self._calls += 1
        self._note(tries, (time.perf_counter() - started) / len(block))
        return losses, correct

    def _penalties(self, count):
        """The squared weights before each of these steps (count,): between a call's first and
        last, which are known, on a straight line."""
        before, self._squares = self._squares, self.l2.squares()
        return np.linspace(before, self._squares, count, endpoint=False)

    def _loss(self, count):
        """The loss as the kernel takes it, for batches of so many images."""
        if isinstance(self.loss, CrossEntropyLoss):
            return "cross_entropy", self.loss.smoothing
        return "mse", self.loss.factor((count, self.layers[-1].weight.shape[1]))

    def _note(self, tried, pace):
        """Learn from the seconds per step that a call took."""
        if not tried:
            self._pace = pace
        elif pace < CLEARLY * self._pace:
            self._threads, self._other, self._pace = self._other, self._threads, pace
        self._most = min(2 * self._most, max(1, int(CALL_SECONDS / self._pace)))


def _known_loss(loss):
    if type(loss) is CrossEntropyLoss:
        return loss.weight is None and not loss.is_sum
    return isinstance(loss, MSELoss)


def build(model, feed, labels, loss, optimizer, limits=None, l2=0.0):
    """The fastest steps that fit.

    limits: ``constraints.Limits`` on gradients and weights. l2: the alpha of a ``penalty.L2``.
    """
    l2 = L2(l2, model.parameters())
    if not limits and CompiledSteps.fit(model, feed, loss, optimizer):
        return CompiledSteps(model, feed, labels, loss, optimizer, l2)
    return LayerSteps(model, feed, labels, loss, optimizer, limits or Limits(), l2)
