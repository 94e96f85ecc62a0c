"""Weight files: safetensors and PyTorch's format. Reading them runs no code."""

import io
import re
from pathlib import Path

import numpy as np

from np_nn.layers.module import AnyModule, Module
from np_nn.utils import archive, files
from np_nn.utils.errors import NpNNError, shown, unknown_name
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

    path: a file of `save_weights`, a PyTorch ``state_dict`` (its name must end in .pt or .pth; it
    may be one value of a dict of other things), a model file, or a checkpoint (with early
    stopping, its best weights). bfloat16 is widened to float32.

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
        found = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        state = _state_in(found, torch.Tensor)
        return {
            name: (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).detach().numpy()
            for name, tensor in state.items()
        }
    except Exception as error:  # torch.load raises many types for damaged files
        raise NpNNError(
            f"{path} is not a PyTorch state_dict: {_reason(error)}; write one with "
            "torch.save(model.state_dict(), path)"
        ) from error


def _state_in(found, tensor):
    """Return the state_dict that a file holds, alone or as one value of a dict of other things.

    Raises NpNNError if there is none, or more than one. tensor: the class of tensors.
    """

    def is_state(value):
        return isinstance(value, dict) and all(isinstance(v, tensor) for v in value.values())

    if is_state(found):
        return found
    if not isinstance(found, dict):
        raise NpNNError(f"it holds a {type(found).__name__}")
    states = {name: value for name, value in found.items() if value and is_state(value)}
    if len(states) != 1:
        names = shown(", ".join(map(str, states or found)))
        raise NpNNError(f"it holds {'several' if states else 'none, only'} ({names})")
    return next(iter(states.values()))


def _reason(error):
    """Return in one line why ``torch.load`` or ``_state_in`` refused a file."""
    if isinstance(error, NpNNError):
        return str(error)
    if named := re.search(r"(?:GLOBAL|class) ([\w.]+)", str(error)):
        return f"it holds Python objects, such as a whole module ({named[1]})"
    return "it is damaged, of another format, or a TorchScript program"


FORMATS = {".safetensors": _to_safetensors, ".pt": _to_torch, ".pth": _to_torch}
