"""Steps of a model's C program: its layers as calls of C functions, with their constants.

Images are held as (height, width, channels), so that the inner loops run over neighbouring
numbers; rows have the order of np_nn. A value of one sample is a part of one array, `values`.
"""

import math
from dataclasses import dataclass

import numpy as np

from np_nn import layers
from np_nn.layers.module import inference, is_chain
from np_nn.reference import activations
from np_nn.saving.c_text import c_float
from np_nn.utils.errors import NpNNError

LEVELS = 127  # of a whole weight on each side of 0
NAMES = {"tanh": "hyperbolic_tangent"}  # of C functions, where C's library has the layer's own
NONE = ((0, 0),) * 3  # geometry of windows that share an image


@dataclass(frozen=True)
class Value:
    """Numbers of one sample. shape: (I,) or (C, H, W). start: their place in `values`."""

    shape: tuple[int, ...]
    start: int

    @property
    def size(self):
        return math.prod(self.shape)

    @property
    def c(self):
        """The C expression of the pointer to them."""
        return f"values + {self.start}"


@dataclass(frozen=True)
class Constant:
    """A static array. type: in C. numbers: a NumPy array, written in its own order."""

    type: str
    name: str
    numbers: np.ndarray


class Steps:
    """Calls so far, with the constants, the windows and the C functions that they use.

    int8: hold the weights of sums as whole numbers -127..127 with a factor for each unit.
    """

    def __init__(self, int8=False):
        self.int8 = int8
        self.calls, self.constants, self.windows, self.functions = [], [], {}, set()
        self.held = {}  # {start: size} of the values in use
        self.size = 0  # of `values`

    def add(self, layer, name, x, keep=False):
        """Add a layer; return its output, a Value.

        Args:
            layer: Module.
            name: begins the names of its constants.
            x: its input, a Value.
            keep: leave the input as it is; else its memory is used again.

        Raises:
            NpNNError: for a layer that has no C function, and an input of another shape.
        """
        if is_chain(layer):
            for child_name, child in layer.children().items():
                y = self.add(child, f"{name}_{child_name}", x, keep)
                keep = keep and y.start == x.start
                x = y
            return x
        if type(layer) not in WRITERS:
            raise NpNNError(f"{layer} cannot be written as C")
        shape = _output_shape(layer, x.shape)
        if type(layer) is not layers.Residual:
            self.calls.append(f"/* {layer} */")
        return WRITERS[type(layer)](layer, self, name, x, keep, shape)

    def take(self, shape):
        """Return a new Value at the first place that is free."""
        start, size = 0, math.prod(shape)
        for other in sorted(self.held):
            if start + size <= other:
                break
            start = other + self.held[other]
        self.held[start] = size
        self.size = max(self.size, start + size)
        return Value(tuple(shape), start)

    def moved(self, x, shape, keep):
        """Return a new Value for what is made of x, whose memory is free afterwards."""
        y = self.take(shape)
        if not keep:
            del self.held[x.start]
        return y

    def own(self, x, keep):
        """Return x, or a copy of it where it must be kept, to work in place."""
        if not keep:
            return x
        y = self.take(x.shape)
        self.call("copy", x.c, x.size, y.c)
        return y

    def call(self, function, *arguments):
        """Call a C function, which has a file of its name in the folder c/."""
        self.functions.add(function)
        self.calls.append(f"{function}({', '.join(map(str, arguments))});")

    def constant(self, name, numbers, kind="float"):
        """Keep an array; return its name. Raises NpNNError for NaN and infinity."""
        with np.errstate(over="ignore"):
            numbers = np.asarray(numbers, np.float32)
        if not np.isfinite(numbers).all():
            raise NpNNError(f"{name} holds NaN or infinity, of which C has no constants")
        self.constants.append(Constant(kind, name, numbers))
        return name

    def window(self, name, x, shape, geometry=()):
        """Keep windows on x, which become an image of a shape; return a C pointer to them.

        geometry: kernel, stride and padding, a pair each; none where windows share the image.
        """
        (channels, *image), (units, *places) = x.shape, shape
        windows = [number for pair in geometry or NONE for number in pair]
        self.functions |= {"windows", "clamp"} if geometry else {"windows"}
        self.windows[name] = ", ".join(map(str, [*image, channels, *places, units, *windows]))
        return f"&{name}"

    def sums(self, layer, name, weight):
        """Keep weights (..., units) and the biases; return their names and what must follow.

        What follows is None, or (factor, shift) of each unit, which make sums of whole weights
        those of the layer.
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
        """Multiply and shift each channel, or number, by factors, a pair of arrays."""
        scale = self.constant(f"{name}_scale", factors[0])
        shift = self.constant(f"{name}_shift", factors[1])
        self.call("scale_and_shift", y.c, math.prod(y.shape[1:]), y.shape[0], scale, shift)


def _output_shape(layer, shape):
    """Return the shape that a layer makes of a sample's. Raises NpNNError if it does not fit."""
    with inference():
        return layer.forward(np.zeros((1, *shape), np.float32)).shape[1:]


WRITERS = {}  # {class of a layer: function that adds its calls}; a subclass is another layer


def _writes(*kinds):
    """Register a function (layer, steps, name, x, keep, shape) -> the output, a Value of shape."""

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
        return Value(tuple(shape), x.start)  # the same numbers in the same order
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
    if inner.start in kept | {skip.start}:  # a block that does nothing
        inner = steps.own(inner, keep=True)
    steps.calls.append("/* Residual: the sum of both ways */")
    steps.call("add", skip.c, skip.size, inner.c)
    if skip.start not in kept:
        del steps.held[skip.start]
    return inner


@_writes(layers.Dropout, layers.Dropout2d, layers.GaussianNoise)
def _nothing(layer, steps, name, x, keep, shape):
    steps.calls.pop()  # the comment: after training they do nothing
    return x
