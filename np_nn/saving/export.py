"""Export of trained models, in the format that the file's ending names."""

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
    """Return the ending of a file's name in lower case, which names its format."""
    return Path(path).suffix.lower()


def check(path):
    """Check, before a training, that the format of a file can be written.

    Raises NpNNError for an unknown ending, and for .onnx if the package onnx is missing.
    """
    if ending(path) not in ENDINGS:
        raise unknown_name("ending", ending(path), ENDINGS)
    if ending(path) == ONNX:
        need("onnx", "exporting to ONNX")


def write(model, path, int8=False):
    """Write a model: .safetensors as a model file, .onnx, .c, or .pt and .pth as PyTorch arrays.

    The model's ``info`` is included, except in .pt and .pth. int8: store the weights of a C file
    as one byte each.

    Returns one line that names the preparation steps missing from the file, or "". Raises what the
    writers raise, and NpNNError for ONNX if ``info`` has no sample shape.
    """
    check(path)
    if ending(path) == ".safetensors":
        save_model(model, path)
        return ""
    if ending(path) == C:
        export_c(model, path, int8=int8)  # a C file includes the whole preparation
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
