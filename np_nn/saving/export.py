"""A trained network in other formats, which the ending of a file names."""

from pathlib import Path

from np_nn.saving.c_code import export_c
from np_nn.saving.model_file import save_model
from np_nn.saving.onnx import export_onnx
from np_nn.saving.weights import save_weights
from np_nn.training import inputs
from np_nn.utils.errors import NpNNError, unknown_name
from np_nn.utils.optional import need

C, ONNX, PYTORCH = ".c", ".onnx", (".pt", ".pth")
ENDINGS = (".safetensors", ONNX, C, *PYTORCH)


def ending(path):
    """Return the ending of a file's name, which names its format."""
    return Path(path).suffix.lower()


def check(path):
    """Raise NpNNError if the ending of a path names no format, or one that lacks its package."""
    if ending(path) not in ENDINGS:
        raise unknown_name("ending", ending(path), ENDINGS)
    if ending(path) == ONNX:
        need("onnx", "exporting to ONNX")
    if ending(path) in PYTORCH:
        need("torch", "writing PyTorch's files")


def export(model, path, *, int8=False):
    """Write a model that has its ModelInfo into a file of the format that its ending names.

    int8: in C, weights of one byte each. Raises NpNNError for another ending, for a model that
    the format cannot express, and if the file cannot be written.
    """
    check(path)
    if ending(path) == C:
        export_c(model, path, int8=int8)
    elif ending(path) == ONNX:
        _onnx(model, path)
    elif ending(path) in PYTORCH:
        save_weights(model, path)
    else:
        save_model(model, path)


def _onnx(model, path):
    info = model.info
    if not info.preparation.shape:
        raise NpNNError(
            f"{path}: the model does not know the shape of its samples: give it one by "
            "save_model(model, path, info)"
        )
    export_onnx(model, path, inputs.sample_shape(info.preparation.shape, model), info.metadata)
