"""Steps of a model's C program: its layers as calls of C functions, with their constants.

Images are stored as (height, width, channels), so that inner loops run over contiguous numbers;
rows keep np_nn's order. All intermediate values of a sample share one array, `values`.
"""

import math
from dataclasses import dataclass

import numpy as np

from np_nn import layers
from np_nn.layers.module import inference, is_chain
from np_nn.reference import activations
from np_nn.saving.c_text import c_float
from np_nn.utils.errors import NpNNError

LEVELS = 127  # largest absolute value of an int8 weight
NAMES = {"tanh": "hyperbolic_tangent"}  # C functions whose layer's name the C library has taken
NONE = ((0, 0),) * 3  # kernel, stride and padding of adaptive windows, which cover the image


@dataclass(frozen=True)
class Value:
    """Intermediate value of one sample.

    shape: (I,) or (C, H, W). start: index of its first number in `values`.
    """

    shape: tuple[int, ...]
    start: int

    @property
    def size(self):
        return math.prod(self.shape)

    @property
    def c(self):
        """The C expression of a pointer to its first number."""
        return f"values + {self.start}"


@dataclass(frozen=True)
class Constant:
    """Static array of the C file. type: its C type. numbers: NumPy array, written in C order."""

    type: str
    name: str
    numbers: np.ndarray


class Steps:
    """List of the C calls added so far, with the constants, windows and functions they use.

    int8: store weight matrices and kernels as integers -127..127 with a factor for each unit.
    """

    def __init__(self, int8=False):
        self.int8 = int8
        self.calls, self.constants, self.windows, self.functions = [], [], {}, set()
        self.held = {}  # {start: size} of the values in use
        self.size = 0  # length of the array `values`

    def add(self, layer, name, x, keep=False):
        """Add a layer; return its output, a Value.

        Args:
            layer: Module.
            name: prefix of the names of its constants.
            x: its input, a Value.
            keep: preserve the input; otherwise its memory is reused.

        Raises:
            NpNNError: if the layer has no C function or does not take the input's shape.
        """
        if is_chain(layer):
            for child_name, child in layer.children().items():
                y = self.add(child, f"{name}_{child_name}", x, keep)
                keep = keep and y.start == x.start
                x = y
            return x
        if type(layer) not in WRITERS:
            raise NpNNError(f"{layer} cannot be written as C: build the model from other layers")
        before = len(self.calls)
        y = WRITERS[type(layer)](layer, self, name, x, keep, _output_shape(layer, x.shape))
        if len(self.calls) > before and not layer.children():
            self.calls.insert(before, f"/* {layer} */")
        return y

    def take(self, shape):
        """Return a new Value at the first free place that is large enough."""
        start, size = 0, math.prod(shape)
        for other in sorted(self.held):
            if start + size <= other:
                break
            start = other + self.held[other]
        self.held[start] = size
        self.size = max(self.size, start + size)
        return Value(tuple(shape), start)

    def moved(self, x, shape, keep):
        """Return a new Value for the result computed from x; release x unless `keep`."""
        y = self.take(shape)
        if not keep:
            del self.held[x.start]
        return y

    def own(self, x, keep):
        """Return a Value to compute in place: x itself, or a copy if `keep`."""
        if not keep:
            return x
        y = self.take(x.shape)
        self.call("copy", x.c, x.size, y.c)
        return y

    def call(self, function, *arguments):
        """Add a call of a C function, whose source is c/<function>.h."""
        self.functions.add(function)
        self.calls.append(f"{function}({', '.join(map(str, arguments))});")

    def constant(self, name, numbers, kind="float"):
        """Add a constant array; return its name. Raises NpNNError for NaN and infinity."""
        with np.errstate(over="ignore"):
            numbers = np.asarray(numbers, np.float32)
        if not np.isfinite(numbers).all():
            raise NpNNError(f"{name} holds NaN or infinity: a C file needs finite weights")
        self.constants.append(Constant(kind, name, numbers))
        return name

    def window(self, name, x, shape, geometry=()):
        """Add the windows that map x to an output of `shape`; return a C pointer to them.

        geometry: kernel, stride and padding, a pair each; () for adaptive windows.
        """
        (channels, *image), (units, *places) = x.shape, shape
        windows = [number for pair in geometry or NONE for number in pair]
        self.functions |= {"windows", "clamp"} if geometry else {"windows"}
        self.windows[name] = ", ".join(map(str, [*image, channels, *places, units, *windows]))
        return f"&{name}"

    def sums(self, layer, name, weight):
        """Add weights (..., units) and biases; return (weight name, bias name, factors).

        factors: None, or with int8 the (factor, shift) arrays (units,) that turn sums of integer
        weights into the layer's outputs.
        """
        bias = layer.bias.data if layer.bias else np.zeros(weight.shape[-1])
        weight = np.asarray(weight, np.float32)
        self.functions.add("add_products")
        factors = None
        if self.int8:
            factor = np.abs(weight).max(axis=tuple(range(weight.ndim - 1))) / np.float32(LEVELS)
            factor[factor == 0] = 1
            weight, bias, factors = np.rint(weight / factor), np.zeros_like(factor), (factor, bias)
        kept = self.constant(f"{name}_weight", weight, "weight")
        return kept, self.constant(f"{name}_bias", bias), factors

    def scale(self, name, y, factors):
        """Scale and shift each channel, or each number of a row: factors is (scale, shift)."""
        scale = self.constant(f"{name}_scale", factors[0])
        shift = self.constant(f"{name}_shift", factors[1])
        self.call("scale_and_shift", y.c, math.prod(y.shape[1:]), y.shape[0], scale, shift)


def _output_shape(layer, shape):
    """Return a layer's output shape for a sample's shape. Raises NpNNError if it does not fit."""
    with inference():
        return layer.forward(np.zeros((1, *shape), np.float32)).shape[1:]


# {layer class: function that adds its calls}; subclasses are looked up separately
WRITERS: dict = {}


def _writes(*kinds):
    """Register a function (layer, steps, name, x, keep, shape) -> output Value of that shape."""

    def register(function):
        WRITERS.update(dict.fromkeys(kinds, function))
        return function

    return register


# ---- Weighted sums ----------------------------------------------------------------------------


@_writes(layers.Linear)
def _linear(layer, steps, name, x, keep, shape):
    y = steps.moved(x, shape, keep)
    weight, bias, factors = steps.sums(layer, name, layer.weight.data)
    steps.call("linear", x.c, x.size, weight, bias, y.size, y.c)
    if factors:
        steps.scale(name, y, factors)
    return y


@_writes(layers.Neuron)
def _neuron(layer, steps, name, x, keep, shape):
    y = _linear(layer, steps, name, x, keep, shape)
    activation = layer.config["activation"]
    if activation != "identity":
        steps.call(NAMES.get(activation, activation), y.c, y.size)
    return y


@_writes(layers.Conv2d)
def _convolution(layer, steps, name, x, keep, shape):
    y = steps.moved(x, shape, keep)
    weight, bias, factors = steps.sums(layer, name, layer.weight.data.transpose(2, 3, 1, 0))
    geometry = layer.weight.shape[2:], layer.stride, layer.padding
    window = steps.window(name, x, shape, geometry)
    steps.call("conv2d", window, x.c, weight, bias, y.c)
    if factors:
        steps.scale(name, y, factors)
    return y


# ---- Activations ------------------------------------------------------------------------------


@_writes(
    layers.ReLU, layers.LeakyReLU, layers.ELU, layers.GELU, layers.SiLU, layers.Sigmoid,
    layers.Tanh, layers.ScaledTanh, layers.Softmax, layers.LogSoftmax,
)  # fmt: skip
def _activation(layer, steps, name, x, keep, shape):
    y = steps.own(x, keep)
    settings = layer.settings
    if type(layer) is layers.ScaledTanh:
        settings = activations.HEIGHT, activations.STEEPNESS
    steps.call(NAMES.get(layer.name, layer.name), y.c, y.size, *map(c_float, settings))
    return y


# ---- Normalisation ----------------------------------------------------------------------------


@_writes(layers.BatchNorm1d, layers.BatchNorm2d)
def _batch_norm(layer, steps, name, x, keep, shape):
    y = steps.own(x, keep)
    steps.scale(name, y, layer.scale_and_shift())
    return y


@_writes(layers.LayerNorm)
def _layer_norm(layer, steps, name, x, keep, shape):
    y = steps.own(x, keep)
    scale = steps.constant(f"{name}_scale", layer.weight.data if layer.weight else np.ones(y.size))
    shift = steps.constant(f"{name}_shift", layer.bias.data if layer.bias else np.zeros(y.size))
    steps.call("layer_norm", y.c, y.size, scale, shift, c_float(layer.eps))
    return y


# ---- Pooling and shapes -----------------------------------------------------------------------


@_writes(layers.MaxPool2d)
def _max_pool(layer, steps, name, x, keep, shape):
    return _pooling("max_pool2d", steps, name, x, keep, shape, layer.geometry)


@_writes(layers.AvgPool2d)
def _average_pool(layer, steps, name, x, keep, shape):
    return _pooling("avg_pool2d", steps, name, x, keep, shape, layer.geometry)


@_writes(layers.AdaptiveAvgPool2d)
def _adaptive_pool(layer, steps, name, x, keep, shape):
    return _pooling("adaptive_avg_pool2d", steps, name, x, keep, shape, ())


def _pooling(function, steps, name, x, keep, shape, geometry):
    y = steps.moved(x, shape, keep)
    steps.call(function, steps.window(name, x, shape, geometry), x.c, y.c)
    return y


@_writes(layers.Flatten)
def _flatten(layer, steps, name, x, keep, shape):
    channels, places = x.shape[0], math.prod(x.shape[1:])
    if channels == 1 or places == 1:
        return Value(tuple(shape), x.start)  # flattening does not reorder the numbers
    y = steps.moved(x, shape, keep)
    steps.call("channels_first", x.c, places, channels, y.c)
    return y


@_writes(layers.Residual)
def _residual(layer, steps, name, x, keep, shape):
    skip = x
    if layer.shortcut is not None:
        skip = steps.add(layer.shortcut, f"{name}_shortcut", x, keep=True)
    kept = {x.start} if keep else set()
    inner = steps.add(layer.block, f"{name}_block", x, keep=x.start in kept | {skip.start})
    if inner.start in kept | {skip.start}:  # an identity block returned its input itself
        inner = steps.own(inner, keep=True)
    steps.calls.append("/* Residual: the sum of both ways */")
    steps.call("add", skip.c, skip.size, inner.c)
    if skip.start not in kept:
        del steps.held[skip.start]
    return inner


@_writes(layers.Dropout, layers.Dropout2d, layers.GaussianNoise)
def _identity(layer, steps, name, x, keep, shape):
    return x  # the identity in evaluation mode
