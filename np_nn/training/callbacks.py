"""Callbacks, which ``fit`` calls during training to watch, log or end it."""

import sys

from np_nn.layers.module import kept_modes
from np_nn.training.state import Training
from np_nn.utils.arguments import fitted
from np_nn.utils.checks import check_range
from np_nn.utils.errors import NpNNError


class Callback:
    """Base class of callbacks: override the hooks that you need. Names are Keras'.

    Each hook gets the running ``Training``: its model, optimizer and history, the number of
    complete epochs, and ``stop``, which a hook sets to True to end training. The time of hooks is
    not counted as training. They change the training only if they change the model or the
    optimizer's lr, which takes effect from the next step. Callbacks are called in their order:
    put a Checkpoint last, so that it saves the changes of the others.

    every: number of batches between two calls of on_batch_end. A compiled call of many batches
    ends where the hook is due; batches of one image are trained 64 at a time, and the hook
    follows the 64 in which it is due.

    writes: whether it only writes files; in a `Team` the first process alone calls it.
    """

    every, writes = 1, False

    def on_epoch_begin(self, training: Training) -> None:
        """Run before the first batch of an epoch, and when a training resumes within one."""

    def on_batch_end(self, training: Training) -> None:
        """Run after each ``every`` batches; at the end of an epoch, after its validation."""

    def on_epoch_end(self, training: Training) -> None:
        """Run after the last batch of an epoch, and of the run, and after its validation."""


class Hooks:
    """Callbacks of a run, called when they are due; on_batch_end only where it is overridden.

    leads: whether to call those that write files, too.
    Raises NpNNError for an object that is not a Callback, and for an ``every`` below 1.
    """

    def __init__(self, callbacks, leads=True):
        self._callbacks = list(callbacks)
        for callback in self._callbacks:
            if not isinstance(callback, Callback):
                raise NpNNError(f"callbacks must be Callback objects, got {callback!r}")
            where = f"{type(callback).__name__}: every"
            check_range(where, fitted(where, callback.every, int), most=sys.maxsize)
        self._callbacks = [each for each in self._callbacks if leads or not each.writes]
        self._of_batches = [
            callback
            for callback in self._callbacks
            if type(callback).on_batch_end is not Callback.on_batch_end
        ]

    def batches_until_due(self, done, most):
        """Return the number of batches until the next on_batch_end is due, at most ``most``."""
        return min([most, *(each.every - done % each.every for each in self._of_batches)])

    def epoch_begin(self, training):
        self._call("on_epoch_begin", self._callbacks, training)

    def batch_end(self, training, before):
        """Call each on_batch_end that became due since ``before`` batches were done."""
        done = training.history.done
        due = [each for each in self._of_batches if done // each.every > before // each.every]
        self._call("on_batch_end", due, training)

    def epoch_end(self, training):
        self._call("on_epoch_end", self._callbacks, training)

    @staticmethod
    def _call(hook, callbacks, training):
        """Call a hook of each callback; exclude its time, and restore the modes of layers."""
        if callbacks:
            with kept_modes(training.model):
                for callback in callbacks:
                    getattr(callback, hook)(training)
            training.history.restart_clock()
