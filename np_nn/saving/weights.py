"""Weight files: safetensors and PyTorch's format. Reading them runs no code."""

import io
from pathlib import Path

import numpy as np

from np_nn.layers.module import AnyModule, Module
from np_nn.utils import archive, files
from np_nn.utils.errors import NpNNError, unknown_name
from np_nn.utils.optional import need
from np_nn.utils.types import PathLike


def save_weights(model: Module, path: PathLike) -> None:
    """Write ``model.state_dict()`` with PyTorch's names and layout.

    path: ends in .safetensors, or in .pt or .pth for a file that ``torch.load`` reads (writing it
    needs torch). Raises NpNNError for another ending, if torch is missing, and if the file
    cannot be written.
    """
    if _ending(path) not in FORMATS:
        raise unknown_name("ending of a file of weights", _ending(path), FORMATS)
    files.write_file(path, FORMATS[_ending(path)](model.state_dict()))


def load_weights(model: AnyModule, path: PathLike) -> AnyModule:
    """Load the weights of a file into a model; return the model.

    path: a file of `save_weights`, a PyTorch ``state_dict`` (its name must end in .pt or .pth), a
    model file, or a checkpoint (with early stopping, its best weights).

    Raises NpNNError, leaving the model unchanged, if the file is missing, damaged or of another
    model, or if it holds anything but arrays of real numbers.
    """
    state = _read(path)
    try:
        model.load_state_dict(state)
    except NpNNError as error:
        raise NpNNError(f"{path} is of another model: {error}") from None
    return model


def _read(path):
    content = files.read_file(path, archive.MOST_BYTES)
    if is_torch(path):
        return _from_torch(content, path)
    try:
        return unpack(content)[1] if archive.is_ours(content) else archive.arrays(content)
    except NpNNError as error:
        raise NpNNError(f"{path} {error}") from None


def unpack(content):
    """Return (tree, state_dict) of a checkpoint or a model file, given as bytes.

    A checkpoint with early stopping gives its best weights. Raises NpNNError for a file that is
    damaged, of a later version, or of another kind; the caller puts the file's name before the
    message.
    """
    tree = archive.unpack(content)
    if not isinstance(tree, dict) or not tree.keys() & {"model", "network"}:
        raise NpNNError("is neither a model file nor a checkpoint")
    if "model" not in tree:
        return tree, archive.arrays(content)
    best = tree.get("best")
    stopped = isinstance(best, dict) and best.get("weights") is not None
    state = best["weights"] if stopped else tree["model"]
    if not isinstance(state, dict) or not all(isinstance(a, np.ndarray) for a in state.values()):
        raise NpNNError("is damaged: it holds no state_dict")
    return tree, state


def is_torch(path):
    """Return whether a file is in PyTorch's format, by its ending."""
    return FORMATS.get(_ending(path)) is _to_torch


def _ending(path):
    return Path(path).suffix.lower()


def _to_safetensors(state):
    from safetensors.numpy import save

    return save({name: np.require(array, requirements="C") for name, array in state.items()})


def _to_torch(state):
    torch, file = need("torch", "writing PyTorch's files"), io.BytesIO()
    torch.save({name: torch.from_numpy(array) for name, array in state.items()}, file)
    return file.getvalue()


def _from_torch(content, path):
    torch = need("torch", "reading PyTorch's files")
    try:
        state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        return {name: tensor.numpy() for name, tensor in state.items()}
    except Exception as error:  # torch.load raises many types for damaged files
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise NpNNError(f"{path} is not a PyTorch state_dict: {reason}") from error


FORMATS = {".safetensors": _to_safetensors, ".pt": _to_torch, ".pth": _to_torch}
