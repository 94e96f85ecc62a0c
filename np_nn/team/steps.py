"""Training step of a team: shards of a batch on all ranks, their gradients summed by a tree."""

import zlib

import numpy as np

from np_nn.optim.limits import Limits
from np_nn.optim.penalty import L2
from np_nn.team.held import Held
from np_nn.team.layout import Layout
from np_nn.team.shard import CompiledShard, LayerShard
from np_nn.team.tree import TreeSum, span
from np_nn.training.compiled_steps import has_gradients
from np_nn.training.steps import LayerSteps
from np_nn.utils.errors import NpNNError


class TeamSteps(LayerSteps):
    """Training step whose batch is cut into shards, which the ranks compute.

    Loss and gradients are the sums over the shards, each weighted by its share of the batch, in
    the order of one tree; then all ranks make the same update. Otherwise as LayerSteps.
    """

    def __init__(self, world, shards, model, feed, labels, loss, optimizer, limits, l2):
        l2 = L2(l2, model.parameters())
        super().__init__(model, feed, labels, loss, optimizer, limits or Limits(), l2)
        self._world, self._shards, self._parameters = world, shards, model.parameters()
        self._grads = [p.grad for p in self._parameters]
        self._held = Held(model)
        held = [p.data for p in self._parameters], [b.data for b in self._held.means]
        self._layout = Layout([array.shape for arrays in held for array in arrays])
        self._dtype = _common([array.dtype for arrays in held for array in arrays])
        self._free, self._sums = [], {}  # {number of shards: TreeSum}
        kind = CompiledShard if has_gradients(model, feed, loss) else LayerShard
        self._shard = kind(model, labels, loss)

    def _step(self, batch, rate):
        loss, correct = self._gradients(batch)
        if self.l2:
            n = self.loss.count(self.labels[batch])
            loss += self.l2.alpha / n / 2 * self.l2.squares()
            self.l2.backward(n)
        self.limits.before(self.optimizer.parameters)
        self.optimizer.step(rate)
        self.limits.after(self.optimizer.parameters)
        return np.array([loss]), np.array([correct])

    def _gradients(self, batch):
        """Compute the gradients of a batch; return its loss and its number of correct images."""
        total, held, count = self._sum_of(len(batch)), self._held, len(self._parameters)
        drawn = zlib.crc32(batch)
        results = np.zeros((self._shards, 3 + len(held.counts())))
        held.keep()
        for number in total.mine:
            begin, end = span(len(batch), self._shards, number)
            vector = total.array()
            views = self._layout.views(vector)
            held.begin(number)
            found = self._shard(self.feed, batch[begin:end], batch, views[:count])
            results[number, :3] = *found, drawn
            held.changes((end - begin) / len(batch), views[count:])
            if number == 0:
                results[0, 3:] = held.counts()
            total.push(number, vector)
        wait = self._world.begin_add(results)  # exact: others' rows are 0 here
        views = self._layout.views(total.total())
        wait()
        if any(results[: min(self._shards, len(batch)), 2] != drawn):
            raise NpNNError("the ranks draw different batches: `order` must return the same on all")
        for parameter, own, gradient in zip(self._parameters, self._grads, views, strict=False):
            own[...] = gradient
            parameter.grad = own
        held.settle(views[count:], results[0, 3:])
        loss, correct = results[:, :2].sum(axis=0, initial=0.0)  # and no -0.0 on one rank only
        return loss, int(correct)

    def _sum_of(self, size):
        """Return the TreeSum for a batch of `size` images, which may be fewer than the shards."""
        leaves = min(self._shards, size)
        if leaves not in self._sums:
            arguments = self._layout.size, self._dtype, self._free
            self._sums[leaves] = TreeSum(self._world, leaves, *arguments)
        return self._sums[leaves]


def _common(dtypes):
    """Return the dtype of all arrays. Raises NpNNError if there are several."""
    found = sorted({dtype.name for dtype in dtypes}) or ["float32"]
    if len(found) > 1:
        raise NpNNError(
            f"a team adds numbers of one type, the model has {' and '.join(found)}: convert it "
            f"with model.to({found[0]!r})"
        )
    return np.dtype(found[0])
