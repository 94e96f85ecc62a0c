"""History: what training did, step by step."""

import time

import numpy as np

from np_nn.errors import DivergedError


class History:
    """Loss, accuracy and time of each training step. Use it around the loop:

        with History(steps) as history:
            for batch in ...:
                ...
                history.record(loss, accuracy)

    ``validation`` lists (steps done, Evaluation) for each time that held-out images were tried,
    whose time counts for no step. ``stopped_early``: training ended before its last step,
    since they were no longer getting better. Ctrl-C ends the ``with`` block cleanly and sets
    ``interrupted``. NumPy and PyTorch loops record in the same way, so that their times can be
    compared.
    """

    def __init__(self, steps):
        self.steps = steps
        self.done = 0
        self.interrupted = False
        self.stopped_early = False
        self.validation = []
        self._table = np.zeros((3, steps))

    loss = property(lambda self: self._table[0, : self.done], doc="(done,) mean loss of each batch")
    accuracy = property(lambda self: self._table[1, : self.done], doc="(done,) 0..1, each batch")
    seconds = property(lambda self: self._table[2, : self.done], doc="(done,) time of each step")

    def __enter__(self):
        self._last = time.perf_counter()
        return self

    def __exit__(self, kind, error, traceback):
        self.interrupted = kind is KeyboardInterrupt
        return self.interrupted

    def record(self, losses, accuracies):
        """Note the mean loss and the accuracy of one step, or of several: (k,) each.

        Their time is that since the last call, in equal shares. Raises
        DivergedError at the first loss that is not a finite number.
        """
        now = time.perf_counter()
        new = slice(self.done, self.done + np.size(losses))
        self._table[0, new], self._table[1, new] = losses, accuracies
        self._table[2, new] = (now - self._last) / np.size(losses)
        finite = np.isfinite(self._table[0, new])
        if not finite.all():
            self.done += int(finite.argmin())
            raise DivergedError(self._diverged(self._table[0, self.done]))
        self.done = new.stop
        self._last = now

    def validate(self, result):
        """Note how held-out images fared after the steps so far."""
        self.validation.append((self.done, result))
        self.restart_clock()

    def restart_clock(self):
        """Count the time since the last step for no step."""
        self._last = time.perf_counter()

    def _diverged(self, loss):
        before = f"; it was {self.loss[-1]:.4g} the step before" if self.done else ""
        return (
            f"the loss became {loss} at step {self.done + 1} of {self.steps}{before}. "
            f"Try a smaller learning rate (--lr), or another start (--init)"
        )

    @property
    def train_seconds(self):
        """Time spent in the recorded steps."""
        return float(self.seconds.sum())

    @property
    def step_ms_median(self):
        """Median time of a step in milliseconds; 0.0 before the first."""
        return float(np.median(self.seconds) * 1e3) if self.done else 0.0

    @property
    def history(self):
        """Keras' name for it: {"loss": [...], "accuracy": [...]}, a value per step."""
        return {"loss": self.loss.tolist(), "accuracy": self.accuracy.tolist()}
