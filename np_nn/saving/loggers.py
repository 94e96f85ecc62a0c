"""Callbacks that log a training: as JSON lines, or for TensorBoard."""

import json
import time
from pathlib import Path
from typing import Any

from np_nn.training.callbacks import Callback
from np_nn.training.state import Training
from np_nn.utils import files
from np_nn.utils.errors import NpNNError
from np_nn.utils.optional import need
from np_nn.utils.types import PathLike


def measures(training):
    """Return the last epoch's results: `History.measures`, and its last learning rate."""
    history = training.history
    return {**history.measures(history.epochs - 1), "learning_rate": training.rate}


class JSONLogger(Callback):
    """Log of one JSON line per epoch: its number, the step, the time, and its ``measures``.

    A training from the start overwrites the file. A resumed training continues it and drops lines
    of steps after the checkpoint, so that no epoch is logged twice. Raises NpNNError if the file
    cannot be read or written.
    """

    writes = True

    def __init__(self, path: PathLike) -> None:
        files.check_file(path)
        self.path = Path(path)
        self._lines: Any = None  # list[str] from the first epoch on

    def on_epoch_begin(self, training: Training) -> None:
        if self._lines is None:
            self._lines = self._until(training.history.done)

    def on_epoch_end(self, training: Training) -> None:
        history = training.history
        line = {"epoch": history.epochs, "step": history.done, "time": time.time()}
        self._lines.append(json.dumps(line | measures(training)))
        files.write_file(self.path, "".join(f"{line}\n" for line in self._lines).encode())

    def _until(self, done):
        """Return the existing lines of the file up to step `done`."""
        if not done or not self.path.is_file():
            return []
        try:
            lines = self.path.read_text("utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise NpNNError(f"cannot read {self.path}: {error}") from error
        return [line for line in lines if _step(line, self.path) <= done]


def _step(line, path):
    try:
        return int(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError, RecursionError, OverflowError):
        raise NpNNError(
            f"{path} is not a log of np_nn: {line[:40]!r} has no step; log to another file"
        ) from None


class TensorBoard(Callback):
    """Log of each epoch's ``measures`` for TensorBoard, in `folder`.

    Raises NpNNError if the package tensorboardX is not installed.
    """

    writes = True

    def __init__(self, folder: PathLike) -> None:
        writer = need("tensorboardX", "logging for TensorBoard").SummaryWriter
        files.check_writable(folder)
        self._writer = writer(str(folder), flush_secs=1)

    def on_epoch_end(self, training: Training) -> None:
        for name, value in measures(training).items():
            self._writer.add_scalar(name, value, training.history.done)
        if training.ends:
            self._writer.close()
