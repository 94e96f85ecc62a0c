"""Training steps: layer by layer, or many in one compiled call."""

import time

import numpy as np

from np_nn import ops
from np_nn.optim.limits import Limits
from np_nn.optim.penalty import L2
from np_nn.training.compiled_steps import CompiledSteps
from np_nn.training.fusion import fuse
from np_nn.utils.pace import Pace


class LayerSteps:
    """Textbook training step: forward, loss, backward, update."""

    def __init__(self, model, feed, labels, loss, optimizer, limits, l2):
        self.model, self.feed, self.labels = fuse(model), feed, labels
        self.loss, self.optimizer, self.limits, self.l2 = loss, optimizer, limits, l2
        self._pace = Pace(ops.threads)

    def use(self, feed):
        """Take the next batches from another feed: the same images, with new distortions."""
        self.feed = feed

    def most(self, batch_size, wanted):
        """Return the number of steps that the next call may make."""
        return 1

    def __call__(self, block, rates):
        """Train on the batches of block (1, N) int at the learning rates (1,).

        Returns the mean loss of each batch (1,), and its number of correct images (1,).
        """
        started = time.perf_counter()
        with ops.at_most(self._pace.threads):
            result = self._step(block[0], rates[0])
        self._pace.note(time.perf_counter() - started, 1)
        return result

    def _step(self, batch, rate):
        x, y = self.feed(batch), self.labels[batch]

        logits = self.model.forward(x)
        loss = self.loss.forward(logits, y)
        self.model.backward(self.loss.backward(), input_grad=False)
        if self.l2:
            n = self.loss.count(y)
            loss += self.l2.alpha / n / 2 * self.l2.squares()
            self.l2.backward(n)
        self.limits.before(self.optimizer.parameters)
        self.optimizer.step(rate)
        self.limits.after(self.optimizer.parameters)

        return np.array([loss]), np.array([self.loss.count_correct(logits, y)])


def build(model, feed, labels, loss, optimizer, limits=None, l2=0.0):
    """Return the fastest steps that can train this model: CompiledSteps or LayerSteps.

    limits: ``Limits`` on gradients and weights. l2: alpha of a ``penalty.L2``.
    """
    l2 = L2(l2, model.parameters())
    if not limits and CompiledSteps.fit(model, feed, loss, optimizer):
        return CompiledSteps(model, feed, labels, loss, optimizer, l2)
    return LayerSteps(model, feed, labels, loss, optimizer, limits or Limits(), l2)
