"""Callbacks: what ``fit`` calls while it trains, to watch it, to log it or to end it."""

from np_nn.layers.module import kept_modes
from np_nn.utils.errors import NpNNError


class Callback:
    """Override the hooks that you need; names are Keras'.

    Each is given the ``Training`` under way: its model, optimizer and history, how many epochs
    are done, and ``stop``, which a hook sets to True to end training. What hooks do counts for
    no step's time, and changes no number of the training unless they change the model or the
    optimizer's lr, which counts from the next step on. Callbacks are called in turn: put a
    Checkpoint last, since it saves what it finds.

    every: on_batch_end is called after each so many batches. Where many batches are trained in
    one compiled call, the call then ends there; batches of one image are trained 64 at a time,
    and the hook follows the 64 in which it is due.
    """

    every = 1

    def on_epoch_begin(self, training):
        """Before the first batch of an epoch, and when a resumed training goes on with one."""

    def on_batch_end(self, training):
        """After each ``every`` batches; the last of an epoch is validated before."""

    def on_epoch_end(self, training):
        """After the last batch of an epoch, and after the last of all; validation is done."""


class Hooks:
    """The callbacks of one run: which hooks are due when. Nothing is called that is empty.

    Raises NpNNError for what is no Callback, and for an ``every`` below 1.
    """

    def __init__(self, callbacks):
        self._callbacks = list(callbacks)
        for callback in self._callbacks:
            if not isinstance(callback, Callback):
                raise NpNNError(f"callbacks must be Callback objects, got {callback!r}")
            if callback.every < 1:
                raise NpNNError(f"{type(callback).__name__}: every must be at least 1")
        self._of_batches = [
            callback
            for callback in self._callbacks
            if type(callback).on_batch_end is not Callback.on_batch_end
        ]

    def batches_until_due(self, done, most):
        """How many batches there may be before the next on_batch_end is due; at most ``most``."""
        return min([most, *(each.every - done % each.every for each in self._of_batches)])

    def epoch_begin(self, training):
        self._call("on_epoch_begin", self._callbacks, training)

    def batch_end(self, training, before):
        """After the batches since ``before``, the number that was done then."""
        done = training.history.done
        due = [each for each in self._of_batches if done // each.every > before // each.every]
        self._call("on_batch_end", due, training)

    def epoch_end(self, training):
        self._call("on_epoch_end", self._callbacks, training)

    @staticmethod
    def _call(hook, callbacks, training):
        """Call a hook of each callback: its time is no step's, and modes of layers come back."""
        if callbacks:
            with kept_modes(training.model):
                for callback in callbacks:
                    getattr(callback, hook)(training)
            training.history.restart_clock()
