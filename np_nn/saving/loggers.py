"""Callbacks that write down how training goes: as lines of JSON, or for TensorBoard."""

import json
import time
from pathlib import Path

from np_nn.training.callbacks import Callback
from np_nn.utils import files
from np_nn.utils.errors import NpNNError
from np_nn.utils.optional import need


def measures(training):
    """Return how the epoch that has just ended went: `History.measures`, and its last rate."""
    history = training.history
    return {**history.measures(history.epochs - 1), "learning_rate": training.rate}


class JSONLogger(Callback):
    """A line of JSON for each epoch: its number, the step, the time, and its ``measures``.

    A training from the start begins the file anew. A resumed one goes on with it: lines of later
    steps, written before it was killed, are dropped, so that none comes twice. Raises NpNNError
    if the file cannot be read or written.
    """

    def __init__(self, path):
        self.path, self._lines = Path(path), None

    def on_epoch_begin(self, training):
        if self._lines is None:
            self._lines = self._until(training.history.done)

    def on_epoch_end(self, training):
        history = training.history
        line = {"epoch": history.epochs, "step": history.done, "time": time.time()}
        self._lines.append(json.dumps(line | measures(training)))
        files.write_file(self.path, "".join(f"{line}\n" for line in self._lines).encode())

    def _until(self, done):
        """The lines that are there already, up to this step."""
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
        raise NpNNError(f"{path} is not a log of np_nn: {line[:40]!r} has no step") from None


class TensorBoard(Callback):
    """The ``measures`` of each epoch as curves for TensorBoard, in a folder of its own.

    Raises NpNNError if tensorboardX, which writes them, is not installed.
    """

    def __init__(self, folder):
        writer = need("tensorboardX", "logging for TensorBoard").SummaryWriter
        files.check_writable(folder)
        self._writer = writer(str(folder), flush_secs=1)

    def on_epoch_end(self, training):
        for name, value in measures(training).items():
            self._writer.add_scalar(name, value, training.history.done)
        if training.ends:
            self._writer.close()
