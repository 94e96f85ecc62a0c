"""ONNX files: models for onnxruntime and every other tool that reads the format.

A layer that equals one ONNX operator names it in its class attribute ``onnx``; for every other
layer a small function here adds its nodes to the graph.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from np_nn import layers
from np_nn.layers.module import Module, inference, is_chain
from np_nn.reference import activations, windows
from np_nn.utils.checks import check_range
from np_nn.utils.errors import NpNNError
from np_nn.utils.files import write_file
from np_nn.utils.optional import need
from np_nn.utils.types import PathLike, Shape

OPSET = 17  # the first with LayerNormalization
IR_VERSION = 8  # the version released with opset 17


def export_onnx(
    model: Module, path: PathLike, input_shape: Shape, metadata: Mapping[str, Any] | None = None
) -> None:
    """Write a model in evaluation mode as an ONNX file.

    The file's input "input" takes ``(batch, *input_shape)`` float32 for any batch size; its
    "output" is the model's output. Weights keep their ``state_dict`` names.

    Args:
        model: Module; its mode, training or evaluation, is unchanged.
        path: path of the file.
        input_shape: shape of one sample, such as (784,) or (1, 28, 28).
        metadata: {name: value} to write into the file; None: the metadata of the model's ``info``,
            if it has one: classes, preparation, recipe, and more, see `ModelInfo`.

    Raises:
        NpNNError: if the package onnx is missing, the model does not take the shape, a layer has
            no ONNX operators, or the file cannot be written.

    Source: the operators of ONNX's opset 17, https://onnx.ai/onnx/operators.
    """
    onnx = need("onnx", "exporting to ONNX")
    check_range("export_onnx: input_shape", min(input_shape, default=1))
    sample = np.zeros((2, *input_shape), np.float32)
    graph = Graph(onnx)
    with inference():
        name, output = graph.layer(model, "", "input", sample)
    graph.add("Identity", name, output="output")
    if metadata is None and model.info:
        metadata = model.info.metadata
    proto = graph.model(sample.shape[1:], output.shape[1:], metadata or {})
    onnx.checker.check_model(proto, full_check=True)
    write_file(path, proto.SerializeToString())


class Graph:
    """ONNX graph under construction: its nodes and constants, connected by value names."""

    def __init__(self, onnx):
        self.onnx, self.nodes, self.constants = onnx, [], {}

    def layer(self, layer, prefix, x, sample):
        """Add a layer; return (name, array) of its output.

        prefix: of its weights' names. x: name of its input. sample: an array of the input's shape.
        """
        if is_chain(layer):
            for name, child in layer.children().items():
                x, sample = self.layer(child, f"{prefix}{name}.", x, sample)
            return x, sample
        result = layer.forward(sample).astype(np.float32)
        return _write(layer, self, prefix, x, sample), result

    def add(self, kind, *inputs, output=None, **attributes):
        """Add a node; return the name of its output."""
        output = output or f"{kind}_{len(self.nodes)}"
        node = self.onnx.helper.make_node(kind, inputs, [output], name=output, **attributes)
        self.nodes.append(node)
        return output

    def constant(self, value, name=None):
        """Add a constant, an array or a number; return its name."""
        name = name or f"constant_{len(self.constants)}"
        self.constants[name] = np.require(value, np.float32, "C")
        return name

    def weights(self, layer, prefix, *names):
        """Add those of the named ``state_dict`` arrays that the layer has; return their names."""
        state = layer.state_dict()
        return [self.constant(state[name], prefix + name) for name in names if name in state]

    def model(self, input_shape, output_shape, metadata):
        """Return the graph as a ModelProto."""
        helper, tensor = self.onnx.helper, self.onnx.TensorProto.FLOAT
        graph = helper.make_graph(
            self.nodes,
            "np_nn",
            [helper.make_tensor_value_info("input", tensor, ["batch", *input_shape])],
            [helper.make_tensor_value_info("output", tensor, ["batch", *output_shape])],
            [self.onnx.numpy_helper.from_array(v, k) for k, v in self.constants.items()],
        )
        model = helper.make_model(
            graph,
            producer_name="np_nn",
            ir_version=IR_VERSION,
            opset_imports=[helper.make_opsetid("", OPSET)],
        )
        helper.set_model_props(model, {name: str(value) for name, value in metadata.items()})
        return model


# {layer class: function that adds its nodes}; subclasses are looked up separately
WRITERS: dict = {}


def _writes(*kinds):
    """Register a function (layer, graph, prefix, x, sample) -> name of the output."""

    def register(function):
        WRITERS.update(dict.fromkeys(kinds, function))
        return function

    return register


def _write(layer, graph, prefix, x, sample):
    """Add a layer's nodes; return the output's name. sample: an array of the input's shape."""
    if "onnx" in vars(type(layer)):
        return _operator(layer, graph, prefix, x)
    if type(layer) not in WRITERS:
        raise NpNNError(f"{layer} cannot be written as ONNX: build the model from other layers")
    return WRITERS[type(layer)](layer, graph, prefix, x, sample)


def _operator(layer, graph, prefix, x):
    """Add the ONNX operator that a layer's class names: see ``Module``."""
    kind, attributes = layer.onnx
    weights = graph.weights(layer, prefix, *layer.state_dict())
    return graph.add(kind, x, *weights, **{k: layer.config[v] for k, v in attributes.items()})


# ---- Weighted sums ----------------------------------------------------------------------------


@_writes(layers.Linear)
def _linear(layer, graph, prefix, x, sample):
    return graph.add("Gemm", x, *graph.weights(layer, prefix, "weight", "bias"), transB=1)


@_writes(layers.Neuron)
def _neuron(layer, graph, prefix, x, sample):
    y = graph.add("Gemm", x, *graph.weights(layer, prefix, "weight", "bias"), transB=1)
    kind = {"identity": "Identity", "relu": "Relu", "sigmoid": "Sigmoid", "tanh": "Tanh"}
    return graph.add(kind[layer.config["activation"]], y)


@_writes(layers.Conv2d)
def _convolution(layer, graph, prefix, x, sample):
    weights = graph.weights(layer, prefix, "weight", "bias")
    return graph.add("Conv", x, *weights, strides=layer.stride, pads=layer.padding * 2)


# ---- Activations ------------------------------------------------------------------------------


@_writes(layers.ScaledTanh)
def _scaled_tanh(layer, graph, prefix, x, sample):
    inner = graph.add("Tanh", graph.add("Mul", x, graph.constant(activations.STEEPNESS)))
    return graph.add("Mul", inner, graph.constant(activations.HEIGHT))


@_writes(layers.SiLU)
def _silu(layer, graph, prefix, x, sample):
    return graph.add("Mul", x, graph.add("Sigmoid", x))


@_writes(layers.GELU)
def _gelu(layer, graph, prefix, x, sample):
    """Add x/2 (1 + erf(x / sqrt 2))."""
    erf = graph.add("Erf", graph.add("Mul", x, graph.constant(math.sqrt(0.5))))
    share = graph.add("Add", graph.constant(1), erf)
    return graph.add("Mul", graph.add("Mul", x, graph.constant(0.5)), share)


# ---- Normalisation ----------------------------------------------------------------------------


@_writes(layers.BatchNorm1d, layers.BatchNorm2d)
def _batch_norm(layer, graph, prefix, x, sample):
    statistics = graph.weights(layer, prefix, "running_mean", "running_var")
    scaling = _scaling(layer, graph, prefix, layer.config["num_features"])
    return graph.add("BatchNormalization", x, *scaling, *statistics, epsilon=layer.eps)


@_writes(layers.LayerNorm)
def _layer_norm(layer, graph, prefix, x, sample):
    scaling = _scaling(layer, graph, prefix, layer.config["normalized_shape"])
    return graph.add("LayerNormalization", x, *scaling, axis=-1, epsilon=layer.eps)


def _scaling(layer, graph, prefix, features):
    """Return the names of weight and bias: the layer's, or ones and zeros (features,)."""
    own = graph.weights(layer, prefix, "weight", "bias")
    return own or [graph.constant(np.ones(features)), graph.constant(np.zeros(features))]


# ---- Pooling and shapes -----------------------------------------------------------------------


@_writes(layers.MaxPool2d)
def _max_pool(layer, graph, prefix, x, sample):
    return _pooling("MaxPool", graph, x, *layer.geometry)


@_writes(layers.AvgPool2d)
def _average_pool(layer, graph, prefix, x, sample):
    return _pooling("AveragePool", graph, x, *layer.geometry, count_include_pad=1)


@_writes(layers.AdaptiveAvgPool2d)
def _adaptive_pool(layer, graph, prefix, x, sample):
    """Add rows @ x @ columns^T: adaptive windows may differ in size, which AveragePool cannot."""
    rows, columns = map(windows.averages, sample.shape[2:], layer.size)
    y = graph.add("MatMul", graph.constant(rows), x)
    return graph.add("MatMul", y, graph.constant(columns.T))


def _pooling(kind, graph, x, kernel, stride, padding, **attributes):
    shape = {"kernel_shape": kernel, "strides": stride, "pads": padding * 2}
    return graph.add(kind, x, **shape, **attributes)


@_writes(layers.Residual)
def _residual(layer, graph, prefix, x, sample):
    skip = x
    if layer.shortcut is not None:
        skip, _ = graph.layer(layer.shortcut, f"{prefix}shortcut.", x, sample)
    inner, _ = graph.layer(layer.block, f"{prefix}block.", x, sample)
    return graph.add("Add", skip, inner)


@_writes(layers.Dropout, layers.Dropout2d, layers.GaussianNoise)
def _identity(layer, graph, prefix, x, sample):
    return x  # the identity in evaluation mode
