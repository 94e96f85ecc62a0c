"""Networks rebuilt from the descriptions in model files, which are untrusted input.

Only np_nn's classes are called, with plain arguments, and sizes are compared with the file's
arrays before memory is allocated.
"""

import inspect
import math
from collections import defaultdict

from np_nn import layers
from np_nn.layers import AdaptiveAvgPool2d, Flatten, Linear, Neuron, Residual
from np_nn.layers.module import Sequential
from np_nn.utils import seeds
from np_nn.utils.errors import NpNNError, shown
from np_nn.utils.plain import frozen

KINDS = {kind.__name__: kind for kind in (Sequential, *(vars(layers)[n] for n in layers.__all__))}

MOST_LAYERS = 10_000
MOST_DEPTH = 50  # levels of nested layers
MOST_SIZE = 2**31  # largest absolute value of an integer argument
SPARE = 2**20  # weights that the layers may have beyond the numbers in the file's arrays
MOST_OUTPUTS = 2**26  # numbers of one sample, and of a layer's output for it: 256 MB of float32


def rebuild(entries, state):
    """Return the Module that `describe` listed as `entries`, with the arrays of a state_dict.

    The random stream of initial weights is left unchanged. Raises NpNNError for a layer that is
    not np_nn's own, and for entries and arrays that do not fit together.
    """
    _check_list(entries)
    _check_sizes(entries, state)
    with seeds.kept("init"):
        module = _network(entries)
    for name, held in (module.named_parameters() | module.named_buffers()).items():
        if name in state and state[name].dtype in ("float32", "float64"):
            held.to(state[name].dtype)
    module.load_state_dict(state)
    return module.eval()


def _network(entries):
    """Build the layers, innermost first."""
    inside = defaultdict(dict)  # {name of a module: {child name: Module}}, last child first
    for entry in reversed(entries[1:]):
        parent, _, own = entry["name"].rpartition(".")
        inside[parent][own] = _module(entry, inside.pop(entry["name"], {}))
    module = _module(entries[0], inside.pop("", {}))
    if inside or len(list(module.modules())) != len(entries):
        raise NpNNError("the layers' names do not form a tree")
    return module


def _check_list(entries):
    """Raise NpNNError unless `entries` lists layers of np_nn, outermost first."""
    if not isinstance(entries, list) or not 0 < len(entries) <= MOST_LAYERS:
        raise NpNNError(f"the description needs a list of 1 to {MOST_LAYERS:,} layers")
    for entry in entries:
        if not isinstance(entry, dict) or {type(entry.get(k)) for k in ("name", "type")} != {str}:
            raise NpNNError("a layer has no name or no type: the file is damaged")
        if entry["type"] not in KINDS:
            raise NpNNError(
                f"{shown(entry['type'])} is not one of np_nn's own layers: build the network in "
                "Python, and use save_weights and load_weights for its arrays"
            )
        if not isinstance(entry.get("config"), dict) or entry["name"].count(".") > MOST_DEPTH:
            raise NpNNError(
                f"layer {shown(entry['name'])}: no arguments, or more than {MOST_DEPTH} levels deep"
            )
    if entries[0]["name"]:
        raise NpNNError("the outermost layer is missing: the file is damaged")


def _check_sizes(entries, state):
    """Raise NpNNError if the layers would allocate more weights than the file's arrays hold."""
    wanted = sum(_weights(entry["config"]) for entry in entries)
    there = sum(array.size for array in state.values())
    if wanted > there + SPARE:
        raise NpNNError(f"its layers have {wanted:.4g} weights, but its arrays {there:,} numbers")


def _weights(config):
    """Estimate a layer's number of weights from the sizes in its arguments, whatever its class."""
    names = ["in_features", "out_features", "in_channels", "out_channels", "num_features"]
    names += ["normalized_shape", *(["kernel_size"] if "out_channels" in config else [])]
    sizes = {name: config.get(name, 1) for name in names}
    if type(sizes.get("kernel_size")) is int:
        sizes["kernel_size"] = [sizes["kernel_size"]] * 2
    flat = [size for value in sizes.values() for size in _as_list(value)]
    return math.prod(min(abs(size), MOST_SIZE) for size in flat if type(size) is int)


def _as_list(value):
    return value if isinstance(value, list) else [value]


def _module(entry, children):
    """Build one layer. children: {name: Module} of the layers inside it, last one first."""
    kind, names = KINDS[entry["type"]], list(reversed(children))
    config = {name: frozen(value) for name, value in entry["config"].items()}
    parameters = inspect.signature(kind).parameters
    try:
        for name, value in config.items():
            if name not in parameters or not _fits(value, parameters[name].default):
                raise NpNNError(f"{shown(name)}={shown(repr(value))} is not a valid argument")
        module = kind(*(children[name] for name in names), **config)
    except (TypeError, ValueError, OverflowError) as error:
        raise NpNNError(f"{entry['type']} cannot be built: {shown(error)}") from None
    if list(module.children()) != names or not config.keys() <= module.config.keys():
        raise NpNNError(f"{entry['type']} cannot be built: its layers or arguments do not fit")
    return module


def _fits(value, default):
    """Return whether a value may be an argument: its default's type, a number, a pair or None."""
    if isinstance(default, bool | str):
        return type(value) is type(default)
    numbers = value if isinstance(value, tuple) else (value,)
    return value is None or (len(numbers) in (1, 2) and all(map(_is_number, numbers)))


def _is_number(value):
    if type(value) is int:
        return abs(value) <= MOST_SIZE
    return type(value) is float and math.isfinite(value)


def check_output(module, shape, classes=0):
    """Raise NpNNError unless a network takes samples of `shape` and has `classes` outputs.

    Only shapes are computed. shape: of a sample as the network receives it, (C, H, W) or (I,).
    classes: number of outputs; 0: any.
    """
    if math.prod(shape) > MOST_OUTPUTS:
        raise NpNNError(f"samples of shape {shape} have more than {MOST_OUTPUTS:,} numbers")
    made = _output_shape(module, (1, *shape))
    if classes and made != (1, classes):
        raise NpNNError(f"it returns outputs of shape {made[1:]} for {classes} classes")


def _output_shape(module, shape):
    """Return the output shape of an np_nn layer for an input of `shape`, batch included."""
    if isinstance(module, Sequential):
        for layer in module:
            shape = _output_shape(layer, shape)
        return shape
    if isinstance(module, Residual):
        if module.shortcut is not None:
            _output_shape(module.shortcut, shape)
        return _output_shape(module.block, shape)
    shape = _own_output_shape(module, shape)
    if math.prod(shape) > MOST_OUTPUTS:
        raise NpNNError(
            f"{module} returns arrays of shape {shape[1:]}, more than {MOST_OUTPUTS:,} numbers"
        )
    return shape


def _own_output_shape(layer, shape):
    if hasattr(layer, "out_shape"):
        return layer.out_shape(shape)
    if isinstance(layer, AdaptiveAvgPool2d):
        return *shape[:2], *layer.size
    if isinstance(layer, Flatten):
        return shape[0], math.prod(shape[1:])
    if isinstance(layer, Linear | Neuron):
        inputs, outputs = layer.weight.shape
        if shape != (1, inputs):
            raise NpNNError(f"{layer} expects (batch, {inputs}), got {shape}")
        return 1, outputs
    return shape
