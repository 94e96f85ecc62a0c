"""Checkpoints: files from which a training resumes as if it had never stopped."""

from pathlib import Path
from typing import Any

import numpy as np

from np_nn import ops
from np_nn.data.preparation import Preparation
from np_nn.training.callbacks import Callback
from np_nn.training.state import Training
from np_nn.utils import archive, files, machine
from np_nn.utils.checks import check_range
from np_nn.utils.description import describe
from np_nn.utils.errors import DivergedError, NpNNError
from np_nn.utils.types import PathLike

NEVER = 2**62  # batches


class Checkpoint(Callback):
    """Callback that saves the training after each epoch, or each ``every`` batches, and at its end.

    ``fit(..., resume=path)`` resumes from the file. It is replaced atomically once the new one is
    on disk, so that a readable file exists at any time. keep: number of files to keep, path and
    the earlier ones, path.1 ... recipe: plain values to store with the training.

    Raises NpNNError if the file cannot be written, or a number is below 1; and DivergedError,
    instead of saving, if weights are no longer finite numbers.
    """

    writes = True

    def __init__(
        self, path: PathLike, every: int | None = None, keep: int = 1, recipe: dict | None = None
    ) -> None:
        check_range("Checkpoint: keep", keep)
        if every is not None:
            check_range("Checkpoint: every", every)
        files.check_file(path)
        self.path, self.keep, self.recipe = Path(path), keep, recipe
        self.every = NEVER if every is None else every

    def on_batch_end(self, training: Training) -> None:
        self._save(training)

    def on_epoch_end(self, training: Training) -> None:
        if self.every == NEVER or training.ends:
            self._save(training)

    def _save(self, training):
        history = training.history
        if history.saved == (self.path, history.done):
            return
        state = training.state_dict()
        if not all(np.isfinite(array).all() for array in state["model"].values()):
            raise DivergedError(
                f"the weights are no longer finite after step {history.done:,} of "
                f"{history.steps:,}. Try a smaller learning rate (--lr){history.kept}"
            )
        info = training.model.info or {"preparation": Preparation.of(training.data)}
        network = describe(training.model, info)
        about = {"recipe": self.recipe, "versions": _versions(), "network": network}
        archive.write(self.path, {**state, **about}, self.keep)
        history.saved = self.path, history.done


def load_checkpoint(path: PathLike) -> dict[str, Any]:
    """Return the content of a checkpoint as a dict: "model" is the state_dict of its model.

    Raises NpNNError if the file is missing, damaged, of a later version, or not a checkpoint.
    """
    state = archive.read(path)
    if not isinstance(state, dict) or not {"model", "best", "recipe", "history"} <= state.keys():
        raise NpNNError(f"{path}: not a checkpoint of a training")
    return state


def resume(path, training):
    """Resume a Training from a checkpoint.

    Raises the errors of ``load_checkpoint``, and NpNNError if it is another training's; the
    training is then unchanged.
    """
    if training.batches.order:
        raise NpNNError("a training with a user's order cannot be resumed: the order is not saved")
    state = load_checkpoint(path)
    try:
        training.load_state_dict(state)
    except NpNNError as error:
        raise NpNNError(f"cannot resume from {path}: {error}") from None
    training.history.saved = Path(path), training.history.done


def _versions():
    return {"kernels": ops.describe(), **machine.versions("np_nn", "numpy", "safetensors")}
