"""Networks rebuilt from their descriptions, which may come from anyone.

Only classes of np_nn are called, with plain arguments, and sizes are compared with the arrays that
are there before memory is taken for them.
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
MOST_DEPTH = 50  # of layers within layers
MOST_SIZE = 2**31  # of a whole number
SPARE = 2**20  # numbers of layers for which the file has no array
MOST_OUTPUTS = 2**26  # numbers that a layer makes of one sample: 256 MB


def rebuild(entries, state):
    """Return the Module of the layers that `describe` lists, with the arrays of a state_dict.

    New layers of the user's own draw the weights that they would have drawn without it. Raises
    NpNNError for a layer that is not np_nn's own, and for anything that does not fit.
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
    """Build the layers, the innermost first."""
    inside = defaultdict(dict)  # {name of a module: {name in it: Module}}, the last one first
    for entry in reversed(entries[1:]):
        parent, _, own = entry["name"].rpartition(".")
        inside[parent][own] = _module(entry, inside.pop(entry["name"], {}))
    module = _module(entries[0], inside.pop("", {}))
    if inside or len(list(module.modules())) != len(entries):
        raise NpNNError("the layers' names do not fit together")
    return module


def _check_list(entries):
    """Raise NpNNError unless it lists layers of np_nn's own, the outermost first."""
    if not isinstance(entries, list) or not 0 < len(entries) <= MOST_LAYERS:
        raise NpNNError("there is no list of layers")
    for entry in entries:
        if not isinstance(entry, dict) or {type(entry.get(k)) for k in ("name", "type")} != {str}:
            raise NpNNError("a layer has no name or no type")
        if entry["type"] not in KINDS:
            raise NpNNError(
                f"{shown(entry['type'])} is none of np_nn's own layers: build the network in "
                "Python; save_weights and load_weights take its arrays"
            )
        if not isinstance(entry.get("config"), dict) or entry["name"].count(".") > MOST_DEPTH:
            raise NpNNError(f"{shown(entry['name'])} is no layer that can be built")
    if entries[0]["name"]:
        raise NpNNError("the outermost layer is missing")


def _check_sizes(entries, state):
    """Raise NpNNError if layers would take more memory for weights than the arrays have."""
    wanted = sum(_weights(entry["config"]) for entry in entries)
    there = sum(array.size for array in state.values())
    if wanted > there + SPARE:
        raise NpNNError(f"its layers have {wanted:.4g} weights, but its arrays {there:,} numbers")


def _weights(config):
    """Count the weights of a layer by the sizes in its arguments, of whatever layer they are."""
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
    """Build one layer. children: {name: Module} of those inside it, the last one first."""
    kind, names = KINDS[entry["type"]], list(reversed(children))
    config = {name: frozen(value) for name, value in entry["config"].items()}
    parameters = inspect.signature(kind).parameters
    try:
        for name, value in config.items():
            if name not in parameters or not _fits(value, parameters[name].default):
                raise NpNNError(f"{shown(name)}={shown(repr(value))} is no argument of it")
        module = kind(*(children[name] for name in names), **config)
    except (TypeError, ValueError, OverflowError) as error:
        raise NpNNError(f"{entry['type']} cannot be built: {shown(error)}") from None
    if list(module.children()) != names or not config.keys() <= module.config.keys():
        raise NpNNError(f"{entry['type']} cannot be built: its layers or arguments do not fit")
    return module


def _fits(value, default):
    """Return whether a value can be an argument: of its default's kind, a number or a pair."""
    if isinstance(default, bool | str):
        return type(value) is type(default)
    numbers = value if isinstance(value, tuple) else (value,)
    return value is None or (len(numbers) in (1, 2) and all(map(_is_number, numbers)))


def _is_number(value):
    if type(value) is int:
        return abs(value) <= MOST_SIZE
    return type(value) is float and math.isfinite(value)


def check_output(module, shape, classes=0):
    """Raise NpNNError unless a network takes a sample, and makes as many outputs as classes.

    Shapes alone are computed. shape: of the sample as it reaches the network, (C, H, W) or (I,).
    classes: number of outputs; 0: any.
    """
    made = _output_shape(module, (1, *shape))
    if classes and made != (1, classes):
        raise NpNNError(f"it makes outputs of shape {made[1:]} for {classes} classes")


def _output_shape(module, shape):
    """Return the output's shape for an input of this one, of layers that np_nn has."""
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
        raise NpNNError(f"{module} makes arrays of shape {shape[1:]}, more than fit the memory")
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
