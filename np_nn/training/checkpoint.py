"""Checkpoints: a training in a file, to go on from as if it had never stopped."""

from pathlib import Path

import numpy as np

from np_nn import ops
from np_nn.data.preparation import Preparation
from np_nn.training.callbacks import Callback
from np_nn.utils import archive, files, machine
from np_nn.utils.description import describe
from np_nn.utils.errors import DivergedError, NpNNError

NEVER = 2**62  # batches


class Checkpoint(Callback):
    """Saves the training to a file after each epoch, or each ``every`` batches, and at its end.

    ``fit(..., resume=path)`` goes on from it. A file is replaced in one move when the new one is
    on the disk: whatever happens, there is one that can be read. keep: how many there are to be,
    path and the earlier ones, path.1 ... recipe: plain values that are to be found again.

    Raises NpNNError if the file cannot be written, or a number is below 1; and DivergedError,
    instead of saving them, if weights are no longer finite numbers.
    """

    def __init__(self, path, every=None, keep=1, recipe=None):
        if keep < 1:
            raise NpNNError(f"Checkpoint: keep must be at least 1, got {keep}")
        files.check_file(path)
        self.path, self.keep, self.recipe = Path(path), keep, recipe
        self.every = NEVER if every is None else every

    def on_batch_end(self, training):
        self._save(training)

    def on_epoch_end(self, training):
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


def load_checkpoint(path):
    """What is in a checkpoint, as a dict: "model" is the state_dict of its model.

    Raises NpNNError if the file is missing, damaged, of a later version, or no checkpoint.
    """
    state = archive.read(path)
    if not isinstance(state, dict) or not {"model", "best", "recipe", "history"} <= state.keys():
        raise NpNNError(f"{path} is no checkpoint of a training")
    return state


def resume(path, training):
    """Let a Training go on from a checkpoint.

    Raises what ``load_checkpoint`` raises, and NpNNError if it is another training's; the
    training is then as it was.
    """
    if training.batches.order:
        raise NpNNError("a training with an order of its own cannot be resumed: it is not saved")
    state = load_checkpoint(path)
    try:
        training.load_state_dict(state)
    except NpNNError as error:
        raise NpNNError(f"cannot resume from {path}: {error}") from None
    training.history.saved = Path(path), training.history.done


def _versions():
    return {"kernels": ops.describe(), **machine.versions("np_nn", "numpy", "safetensors")}
