"""Export of a model as one C file without dependencies: preparation, layers and weights.

The folder c/ has a file for the C function of each layer. The functions that a model needs are
copied into its file, and its layers become calls of them: see c_steps.py.
"""

import math
import re
from pathlib import Path

from np_nn.data.preparation import DIGIT, FEATURES, IMAGE
from np_nn.layers.module import Module
from np_nn.saving import c_text
from np_nn.saving.c_steps import Steps
from np_nn.saving.model_info import ModelInfo
from np_nn.training.fusion import foldable, rewrite
from np_nn.training.inputs import sample_shape
from np_nn.utils.errors import NpNNError
from np_nn.utils.files import write_file
from np_nn.utils.types import PathLike

FOLDER = Path(__file__).with_name("c")
# The functions in the order in which a file defines them: each after those that it calls.
FUNCTIONS = (
    "deskew", "add_products", "linear", "clamp", "windows", "conv2d", "max_pool2d", "avg_pool2d",
    "adaptive_avg_pool2d", "channels_first", "scale_and_shift", "layer_norm", "relu", "leaky_relu",
    "elu", "gelu", "silu", "sigmoid", "hyperbolic_tangent", "scaled_tanh", "softmax",
    "log_softmax", "copy", "add",
)  # fmt: skip
OF_MATH_H = re.compile(r"\b(exp|expm1|log|tanh|erf|sqrt)f\(")
BYTES = 8  # code of uint8 in the header of an IDX file


def export_c(
    model: Module, path: PathLike, info: ModelInfo | None = None, int8: bool = False
) -> None:
    """Write a model in evaluation mode as one C99 file that needs no library.

    The file's name is the prefix of its functions: digit.c has ``digit_predict``,
    ``digit_classify`` and ``digit_run``, and the comment at its top shows how to use them. Their
    input is an unprepared sample: deskewing, standardization, scale and shift are part of the
    file. Compiled with -DNP_NN_MAIN, it is a program that prints the class of each sample on
    stdin.

    Args:
        model: Module; its mode, training or evaluation, is unchanged.
        path: path of the file.
        info: `ModelInfo`; by default ``model.info``.
        int8: store the weights of Linear, Neuron and Conv2d as int8 with a float32 factor for each
            unit: a quarter of the memory. Sums stay float32, so no calibration is needed.

    Raises:
        NpNNError: if there is no info with a sample shape, the model does not take that shape, a
            layer has no C function, a weight is not finite, or the file cannot be written.

    Source of int8: Jacob et al. 2018, Quantization and training of neural networks for efficient
    integer-arithmetic-only inference, section 2.1, here of weights alone.
    """
    info = info or model.info
    if info is None or not info.preparation.shape:
        raise NpNNError(
            "the model has no sample shape: pass export_c(model, path, info=ModelInfo("
            "preparation=Preparation(shape=...)))"
        )
    _check(info.preparation)
    write_file(path, _text(model, Path(path).name, info, bool(int8)).encode("ascii"))


def _check(prepared):
    """Raise NpNNError for a Preparation without a C function."""
    if prepared.deskew and not (prepared.pixels and len(prepared.shape) == 2):
        raise NpNNError(
            f"C files deskew gray uint8 images (H, W) only, not samples {prepared.shape}"
        )


def _text(model, file, info, int8):
    """Return the C file of a model."""
    prepared, steps = info.preparation, Steps(int8)
    x = steps.take(sample_shape(prepared.shape, model))
    y = steps.add(rewrite(model, foldable), "layer", x)
    if len(y.shape) != 1:
        raise NpNNError(f"the model's outputs are images {y.shape}: end it with Flatten")
    if info.classes and len(info.classes) != y.size:
        raise NpNNError(f"the model has {y.size} outputs, but its info {len(info.classes)} classes")
    sources = _sources(steps.functions | ({"deskew"} if prepared.deskew else set()))
    prefix = c_text.prefix(file)
    return _template().render(
        file=c_text.comment(file),
        steps=steps,
        x=x,
        y=y,
        prepared=prepared,
        sources=sources,
        prefix=prefix,
        PREFIX=prefix.upper(),
        about=_about(info, int8),
        idx=_idx_header(prepared),
        type="uint8_t" if prepared.pixels else "float",
        classes=[c_text.string(name) for name in info.classes if y.size > 1],
        libm=" -lm" if any(map(OF_MATH_H.search, sources)) else "",
        features=prepared.kind == FEATURES,
    )


def _template():
    """Return the jinja2 template of a C file."""
    # Imported here: jinja2 takes 25 ms, and only the C export needs it.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(FOLDER, encoding="utf-8")
    made = Environment(loader=loader, undefined=StrictUndefined, keep_trailing_newline=True)
    made.filters |= {"numbers": c_text.numbers, "c_float": c_text.c_float}
    return made.get_template("file.jinja")


def _sources(names):
    """Return the texts of the C functions of these names."""
    return [(FOLDER / f"{n}.h").read_text("utf-8").rstrip() for n in FUNCTIONS if n in names]


def _about(info, int8):
    """Return the comment lines that describe the model."""
    recipe = ", ".join(f"{name}={value}" for name, value in info.recipe.items())
    versions = ", ".join(f"{name} {version}" for name, version in info.versions.items())
    whole = "int8, with a float32 factor for each unit; sums are float32"
    facts = {
        "Data set": info.dataset,
        "Classes": ", ".join(info.classes),
        "Input": _input_words(info.preparation),
        "Weights": whole if int8 else "float32",
        "Recipe": recipe,
        "Trained by": versions,
    }
    lines = [c_text.comments(f"{fact}: {text}") for fact, text in facts.items() if text]
    return [line for block in lines for line in block]


def _input_words(prepared):
    """Describe the input of one sample in words."""
    sizes = " x ".join(map(str, prepared.shape))
    if prepared.kind == FEATURES:
        names = f": {', '.join(prepared.columns)}" if prepared.columns else ""
        return f"{sizes} features, not standardized{names}"
    if not prepared.pixels:
        return f"{sizes} numbers"
    more = {
        DIGIT: ", white ink on black, centred as in MNIST",
        IMAGE: ", as read for training",
    }.get(prepared.kind, "")
    planes = "plane by plane, " if len(prepared.shape) == 3 else ""
    return f"an image of {sizes} bytes, {planes}row by row{more}"


def _idx_header(prepared):
    """Return the header bytes of an IDX file of such images.

    Returns [] for other samples, and if one image is not longer than the header.
    """
    sizes = [byte for size in prepared.shape for byte in size.to_bytes(4, "big")]
    header = [0, 0, BYTES, 1 + len(prepared.shape), *[0] * 4, *sizes]
    return header if prepared.pixels and len(header) < math.prod(prepared.shape) else []
