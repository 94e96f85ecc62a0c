"""History: losses, accuracies and times of a training, step by step."""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from np_nn.utils.checks import WIDEST, check_alike, check_array, check_keys, check_range, check_rows
from np_nn.utils.errors import DivergedError, NpNNError
from np_nn.utils.types import Array, ArrayLike, PathLike, Self


@dataclass(frozen=True)
class Evaluation:
    """Result of an evaluation.

    accuracy: share of images classified correctly, 0..1; None without classes, as in a regression.
    loss: mean over the images. outputs (n, classes): the model's, if they are kept.
    """

    accuracy: float | None
    loss: float
    outputs: np.ndarray | None = field(default=None, compare=False, repr=False)


class History:
    """Loss, accuracy and time of each training step, recorded around the loop.

    Use it as follows::

        with History(steps) as history:
            for batch in ...:
                ...
                history.record(loss, accuracy)

    classes: whether targets are classes; else ``accuracy`` is None. sizes: (k,) int, the samples
    in each batch of an epoch; without sizes all steps are one epoch. ``validation`` lists (steps
    done, Evaluation) of each validation, whose time is not counted as training.
    ``stopped_early``: early stopping ended training before its last step; ``restored``: number of
    steps after which the restored best weights were saved. ``saved``: (file, steps done) of the
    newest checkpoint. Ctrl-C ends the ``with`` block cleanly and sets ``interrupted``. NumPy and
    PyTorch loops record in the same way, so that their times are comparable.
    """

    def __init__(self, steps: int, classes: bool = True, sizes: Array | None = None) -> None:
        check_range("History: steps", steps, 0, WIDEST)
        self.steps, self.classes = steps, classes
        self.sizes = np.ones(max(1, steps), int) if sizes is None else sizes
        self.done = 0
        self.interrupted = self.stopped_early = False
        self.saved: tuple[Path, int] | None = None
        self.restored: int | None = None
        self.validation: list[tuple[int, Evaluation]] = []
        self._table = np.zeros((3, steps))

    @property
    def loss(self) -> Array:
        """Mean loss of each batch, (done,)."""
        return self._table[0, : self.done]

    @property
    def seconds(self) -> Array:
        """Seconds of each step, (done,)."""
        return self._table[2, : self.done]

    @property
    def accuracy(self) -> Array | None:
        """The accuracy of each batch, (done,) in 0..1; None without classes."""
        return self._table[1, : self.done] if self.classes else None

    def __enter__(self) -> Self:
        self._last = time.perf_counter()
        return self

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> bool:
        self.interrupted = kind is KeyboardInterrupt
        return self.interrupted

    def record(self, losses: ArrayLike, accuracies: ArrayLike) -> None:
        """Record the mean loss and the accuracy of one step, or of several: (k,) each.

        The time since the last call is divided equally among them. Raises
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

    def validate(self, result: Evaluation) -> None:
        """Record the Evaluation of the held-out images after the steps so far."""
        self.validation.append((self.done, result))
        self.restart_clock()

    def restart_clock(self) -> None:
        """Exclude the time since the last step from all steps."""
        self._last = time.perf_counter()

    def _diverged(self, loss):
        before = f"; it was {self.loss[-1]:.4g} the step before" if self.done else ""
        return (
            f"the loss became {loss} at step {self.done + 1} of {self.steps}{before}. "
            f"Try a smaller learning rate (--lr), or another start (--init){self.kept}"
        )

    @property
    def kept(self) -> str:
        """End of an error message that names the newest checkpoint; "" if there is none."""
        return "; {} holds step {:,}".format(*self.saved) if self.saved else ""

    def state_dict(self) -> dict[str, Any]:
        """Return the records as a tree of plain values and arrays."""
        return {
            "curves": self._table[:, : self.done].copy(),
            "validation": [
                [step, seen.accuracy or 0.0, seen.loss] for step, seen in self.validation
            ],
            "stopped early": self.stopped_early,
        }

    def check_state(self, state: dict[str, Any]) -> None:
        """Raise NpNNError unless ``load_state_dict`` can load `state`."""
        check_keys(self.state_dict(), state, "history")
        check_array(state["curves"], np.dtype(float), (3, None), "history")
        if state["curves"].shape[1] > self.steps:
            raise NpNNError(f"it has made {state['curves'].shape[1]:,} steps, of {self.steps:,}")
        check_rows([0, 0.0, 0.0], state["validation"], "validation")
        check_alike(False, state["stopped early"], "stopped early")

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the records of ``state_dict``; this run may have more steps than that one.

        Raises NpNNError if the state is not one of a matching History.
        """
        self.check_state(state)
        self.done = state["curves"].shape[1]
        self._table[:, : self.done] = state["curves"]
        self.validation = [
            (step, Evaluation(accuracy if self.classes else None, loss))
            for step, accuracy, loss in state["validation"]
        ]
        self.stopped_early = state["stopped early"]

    @property
    def train_seconds(self) -> float:
        """Time of the recorded steps, in seconds."""
        return float(self.seconds.sum())

    @property
    def step_ms_median(self) -> float:
        """Median time of a step in milliseconds; 0.0 before the first."""
        return float(np.median(self.seconds) * 1e3) if self.done else 0.0

    @property
    def epochs(self) -> int:
        """Number of completed epochs; the last of the run may be shorter."""
        whole, more = divmod(self.done, len(self.sizes))
        return whole + (more > 0 and self.done == self.steps)

    def measures(self, epoch: int) -> dict[str, float]:
        """Return the measures of an epoch, counted from 0, in Keras' names: {name: number}.

        loss, accuracy: means over its batches, weighted by their sizes; val_loss, val_accuracy:
        of held-out images at its end; seconds: of its steps. No accuracy without classes.
        """
        steps = slice(epoch * len(self.sizes), (epoch + 1) * len(self.sizes))
        seconds = self.seconds[steps]
        sizes = self.sizes[: len(seconds)]
        found = {"loss": np.average(self.loss[steps], weights=sizes)}
        if (accuracy := self.accuracy) is not None:
            found["accuracy"] = np.average(accuracy[steps], weights=sizes)
        if held_out := dict(self.validation).get(min(steps.stop, self.done)):
            found |= {"val_loss": held_out.loss, "val_accuracy": held_out.accuracy}
        found["seconds"] = seconds.sum()
        return {name: float(value) for name, value in found.items() if value is not None}

    @property
    def history(self) -> dict[str, list[float]]:
        """The measures of each epoch except the seconds, a list by name as in Keras."""
        epochs = [self.measures(epoch) for epoch in range(self.epochs)] or [{}]
        names = [name for name in epochs[-1] if name != "seconds"]
        return {name: [each.get(name, np.nan) for each in epochs] for name in names}

    def plot(self, path: PathLike | None = None) -> Any:
        """Draw ``history`` by `utils.curves.draw`; return the figure, and write it to `path`."""
        from np_nn.utils.curves import draw  # imports matplotlib, which takes a second

        return draw(self.history, self.restored and self.restored / len(self.sizes), path)

    def __repr__(self):
        curves = self.history
        last = [f"{name} {values[-1]:.4f}" for name, values in curves.items()]
        if held_out := curves.get("val_accuracy"):
            last.append(f"best val_accuracy {max(held_out):.4f}")
        steps = f"{self.epochs} epochs, {self.done:,} of {self.steps:,} steps"
        return f"History({', '.join([steps, *last, f'{self.train_seconds:.1f} s'])})"
