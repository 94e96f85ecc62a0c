"""State of a model that a step changes besides its gradients: buffers and random streams."""

import math

import numpy as np

from np_nn.utils import seeds


class Held:
    """Buffers and random streams of a model, which each shard of a batch finds as before the step.

    Afterwards a buffer of floats, such as a running mean, has changed by the mean of its changes,
    weighted by the shards' sizes (ghost statistics: Hoffer et al. 2017). Counts, such as the
    batches that batch norm has tracked, and the streams are those after the first shard. Each
    shard draws keys of its own.
    """

    def __init__(self, model):
        buffers = list(model.named_buffers().values())
        self.means = [buffer for buffer in buffers if buffer.data.dtype.kind == "f"]
        self._counts = [buffer for buffer in buffers if buffer.data.dtype.kind != "f"]
        self._streams = [module.stream for module in model.modules() if hasattr(module, "stream")]

    def keep(self):
        """Keep the present state, before a step."""
        self._before = [buffer.data.copy() for buffer in (*self.means, *self._counts)]
        self._states = [stream.state for stream in self._streams]

    def begin(self, shard):
        """Restore the state before the step, and the streams of a shard."""
        for buffer, array in zip((*self.means, *self._counts), self._before, strict=True):
            buffer.data[...] = array
        for stream, state in zip(self._streams, self._states, strict=True):
            stream.state = seeds.of_part(state, shard)

    def changes(self, share, out):
        """Write what a shard changed, times its share of the batch, to the arrays `out`."""
        for buffer, before, change in zip(self.means, self._before, out, strict=False):
            np.multiply(buffer.data - before, change.dtype.type(share), out=change)

    def counts(self):
        """Return the counts and the calls of the streams after a shard, as numbers."""
        numbers = [number for buffer in self._counts for number in buffer.data.ravel().tolist()]
        return [*numbers, *(stream.state[1] for stream in self._streams)]

    def settle(self, changes, counts):
        """Set the state after a step: the sums of the shards' changes, and the first's counts."""
        for buffer, before, change in zip(self.means, self._before, changes, strict=False):
            buffer.data[...] = before + change
        at = 0
        for buffer in self._counts:
            size = math.prod(buffer.data.shape)
            buffer.data[...] = np.reshape(counts[at : at + size], buffer.data.shape)
            at += size
        for stream, (seed, _), calls in zip(self._streams, self._states, counts[at:], strict=True):
            stream.state = seed, int(calls)
