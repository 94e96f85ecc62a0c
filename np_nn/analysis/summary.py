"""What a model is made of: a table of its layers, their output shapes and parameters."""

import numpy as np

from np_nn.analysis.hooks import leaves, watched
from np_nn.layers import Linear
from np_nn.layers.module import inference
from np_nn.utils.errors import NpNNError


def summary(model, input_shape=None):
    """Keras' table as text: each layer, the shape of what it gives for one input, its parameters.

    input_shape: of one input, without the batch: (784,) or (1, 28, 28). A model whose first
    layer is Linear need not be told. Raises NpNNError if it must, and what the layers raise for
    a shape that does not fit.
    """
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
        raise NpNNError("summary: give the shape of one input, such as (1, 28, 28)")
    return first.weight.shape[:1]


def _output_shapes(model, input_shape):
    """{name of a layer: shape of one output}, seen while one input of zeros goes through."""
    shapes = {}

    def note(name, module, out):
        shapes[name] = out.shape[1:]

    with inference(), watched(model, note):
        model.forward(np.zeros((1, *input_shape), np.float32))
    return shapes
