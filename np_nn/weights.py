"""Files of weights: safetensors, and PyTorch's own. Reading either one runs no code."""

import io
from pathlib import Path

import numpy as np

from np_nn.errors import NpNNError, unknown_name
from np_nn.files import write_file
from np_nn.optional import need


def save_weights(model, path):
    """Write ``model.state_dict()``, in PyTorch's names and layout.

    path: ends in .safetensors, or in .pt or .pth for a file that ``torch.load`` reads (that
    takes torch). Raises NpNNError for another ending, if torch is missing, and if the file
    cannot be written.
    """
    write, _ = _format(path)
    write_file(path, write(model.state_dict()))


def load_weights(model, path):
    """Read a file of ``save_weights``, or of PyTorch's ``state_dict``, into a model.

    Raises NpNNError, before anything is changed, for a file that is missing, damaged, or of
    another model, and for one that holds anything but arrays.
    """
    _, read = _format(path)
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise NpNNError(f"cannot read {path}: {error.strerror}") from error
    try:
        model.load_state_dict(read(content))
    except NpNNError as error:
        raise NpNNError(f"{path}: {error}") from error


def _format(path):
    """The functions that write and read the format of a file's ending."""
    ending = Path(path).suffix.lower()
    if ending not in FORMATS:
        raise unknown_name("ending of a file of weights", ending, FORMATS)
    return FORMATS[ending]


def _to_safetensors(state):
    from safetensors.numpy import save

    return save({name: np.require(array, requirements="C") for name, array in state.items()})


def _from_safetensors(content):
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        return load(content)
    except (SafetensorError, ValueError, KeyError) as error:
        raise NpNNError(f"not a safetensors file: {error}") from error


def _to_torch(state):
    torch, file = need("torch", "writing PyTorch's files"), io.BytesIO()
    torch.save({name: torch.from_numpy(array) for name, array in state.items()}, file)
    return file.getvalue()


def _from_torch(content):
    torch = need("torch", "reading PyTorch's files")
    try:
        state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        return {name: tensor.numpy() for name, tensor in state.items()}
    except Exception as error:  # torch raises what it comes upon
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise NpNNError(f"not a PyTorch state_dict: {reason}") from error


FORMATS = {
    ".safetensors": (_to_safetensors, _from_safetensors),
    ".pt": (_to_torch, _from_torch),
    ".pth": (_to_torch, _from_torch),
}
