"""Trained models as files for others: the ending of a file's name says in which format."""

from pathlib import Path

from np_nn.saving import weights
from np_nn.saving.c_code import export_c
from np_nn.saving.model_file import save_model
from np_nn.saving.onnx import export_onnx
from np_nn.training import inputs
from np_nn.utils.errors import NpNNError, unknown_name
from np_nn.utils.optional import need

ONNX, C = ".onnx", ".c"
ENDINGS = (*weights.FORMATS, ONNX, C)


def ending(path):
    """Return the ending of a file's name, which names its format."""
    return Path(path).suffix.lower()


def check(path):
    """Check before a training that the format of a file can be written.

    Raises NpNNError for another ending, and where the package onnx is missing.
    """
    if ending(path) not in ENDINGS:
        raise unknown_name("ending", ending(path), ENDINGS)
    if ending(path) == ONNX:
        need("onnx", "exporting to ONNX")


def write(model, path, int8=False):
    """Write a model: .safetensors as a model file, .onnx, .c, or .pt as arrays for PyTorch.

    Its ``info`` goes with it, but not into .pt. int8: in C, weights of one byte each.

    Returns what the file lacks of the preparation that the model was trained with, in one line, or
    "". Raises what the writers raise, and NpNNError for ONNX where ``info`` has no shape of a
    sample.
    """
    check(path)
    if ending(path) == ".safetensors":
        save_model(model, path)
        return ""
    if ending(path) == C:
        export_c(model, path, int8=int8)  # which has the whole preparation
        return ""
    if ending(path) == ONNX:
        export_onnx(model, path, _sample_shape(model))
    else:
        weights.save_weights(model, path)
    lacking = model.info.beside if model.info else ""
    return (
        lacking
        and f"{path} lacks {lacking} that the model was trained with: apply it to its inputs"
    )


def _sample_shape(model):
    shape = model.info.preparation.shape if model.info else ()
    if not shape:
        raise NpNNError("ONNX needs the shape of a sample: export_onnx(model, path, input_shape)")
    return inputs.sample_shape(shape, model)
