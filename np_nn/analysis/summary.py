"""Model summary: a table of layers, output shapes and parameters."""

import numpy as np

from np_nn.analysis.hooks import leaves, watched
from np_nn.layers import Linear
from np_nn.layers.module import Module, inference
from np_nn.utils.checks import check_range
from np_nn.utils.errors import NpNNError
from np_nn.utils.types import Shape


def summary(model: Module, input_shape: Shape | None = None) -> str:
    """Return a table as text, as Keras does: each layer, its output shape for one input, its size.

    input_shape: shape of one input, without the batch: (784,) or (1, 28, 28); optional if the
    first layer is Linear. Raises NpNNError if it is missing, and what the layers raise for a
    shape that does not fit.
    """
    check_range("summary: input_shape", min(input_shape or (1,)))
    shapes = _output_shapes(model, input_shape or _input_shape(model))
    rows = [
        (f"{name} ({type(module).__name__})", str(shapes.get(name, "-")), _count(module))
        for name, module in leaves(model)
    ]
    header = ("layer", "output shape", "parameters")
    widths = [max(len(str(row[i])) for row in (header, *rows)) for i in range(3)]
    lines = [_line(row, widths) for row in (header, *rows)]
    rule = "-" * len(lines[0])
    total = f"parameters in all: {sum(p.data.size for p in model.parameters()):,}"
    return "\n".join([lines[0], rule, *lines[1:], rule, total])


def _line(row, widths):
    return f"{row[0]:<{widths[0]}}  {row[1]:<{widths[1]}}  {row[2]:>{widths[2]}}"


def _count(module):
    return f"{sum(p.data.size for p in module.parameters()):,}"


def _input_shape(model):
    first = next(iter(leaves(model)))[1]
    if type(first) is not Linear:
        raise NpNNError(
            "summary needs the shape of one input: pass input_shape, such as (1, 28, 28)"
        )
    return first.weight.shape[:1]


def _output_shapes(model, input_shape):
    """Return {layer name: shape of one output}, measured on one input of zeros."""
    shapes = {}

    def note(name, module, out):
        shapes[name] = out.shape[1:]

    with inference(), watched(model, note):
        model.forward(np.zeros((1, *input_shape), np.float32))
    return shapes
