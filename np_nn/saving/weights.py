"""Files of weights: safetensors, and PyTorch's own. Reading either one runs no code."""

import io
from pathlib import Path

import numpy as np

from np_nn.utils import archive, files
from np_nn.utils.errors import NpNNError, unknown_name
from np_nn.utils.optional import need


def save_weights(model, path):
    """Write ``model.state_dict()``, in PyTorch's names and layout.

    path: ends in .safetensors, or in .pt or .pth for a file that ``torch.load`` reads (that
    takes torch). Raises NpNNError for another ending, if torch is missing, and if the file
    cannot be written.
    """
    if _ending(path) not in FORMATS:
        raise unknown_name("ending of a file of weights", _ending(path), FORMATS)
    files.write_file(path, FORMATS[_ending(path)](model.state_dict()))


def load_weights(model, path):
    """Give a model the weights in a file; returns it.

    path: a file of `save_weights`, PyTorch's of a ``state_dict`` (its name must end in .pt or
    .pth), a model file, or a checkpoint, of which the best weights are taken if there was early
    stopping.

    Raises NpNNError, before anything is changed, for a file that is missing, damaged, or of
    another model, and for one that holds anything but arrays of real numbers.
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
        return ours(content)[1] if archive.is_ours(content) else archive.arrays(content)
    except NpNNError as error:
        raise NpNNError(f"{path} {error}") from None


def ours(content):
    """Return (tree, state_dict) of the bytes of a checkpoint or a model file.

    Of a checkpoint with early stopping, these are the best weights. Raises NpNNError, whose message
    lacks the file's name, for a file that is damaged, of a later version, or of another kind.
    """
    tree = archive.unpack(content)
    if not isinstance(tree, dict) or not tree.keys() & {"model", "network"}:
        raise NpNNError("holds neither a model nor a training")
    if "model" not in tree:
        return tree, archive.arrays(content)
    best = tree.get("best")
    stopped = isinstance(best, dict) and best.get("weights") is not None
    state = best["weights"] if stopped else tree["model"]
    if not isinstance(state, dict) or not all(isinstance(a, np.ndarray) for a in state.values()):
        raise NpNNError("is damaged: it holds no state_dict")
    return tree, state


def is_torch(path):
    """Return whether a file is one of PyTorch's, by its ending."""
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
    except Exception as error:  # torch raises what it comes upon
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise NpNNError(f"{path} is not a PyTorch state_dict: {reason}") from error


FORMATS = {".safetensors": _to_safetensors, ".pt": _to_torch, ".pth": _to_torch}
