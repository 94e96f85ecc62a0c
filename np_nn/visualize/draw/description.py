"""Description of a network for its page: layers as plain values, and all arrays as one block."""

from dataclasses import dataclass

import numpy as np

from np_nn import layers
from np_nn.analysis.confidence import confidences
from np_nn.analysis.trace import PASSIVE
from np_nn.data.preparation import DIGIT
from np_nn.layers.activations import Activation
from np_nn.layers.module import inference, is_chain
from np_nn.training.inputs import sample_shape
from np_nn.utils.errors import NpNNError
from np_nn.visualize.story import formulas

MOST_BYTES = 1_000_000  # maximum size of the weights in base64; above it they are rounded
RATE = 0.1  # default learning rate, if the file has none of SGD
ARRAYS = ("weight", "bias", "running_mean", "running_var")
KINDS = {  # class of a layer: name of its functions in the page
    layers.Linear: "linear",
    layers.Conv2d: "conv2d",
    layers.MaxPool2d: "max_pool2d",
    layers.AvgPool2d: "avg_pool2d",
    layers.AdaptiveAvgPool2d: "adaptive_avg_pool2d",
    layers.BatchNorm1d: "batch_norm",
    layers.BatchNorm2d: "batch_norm",
    **{kind: kind.name for kind in (
        layers.ReLU, layers.LeakyReLU, layers.ELU, layers.GELU, layers.SiLU, layers.Sigmoid,
        layers.Tanh, layers.ScaledTanh, layers.Softmax, layers.LogSoftmax,
    )},
}  # fmt: skip


@dataclass(frozen=True)
class Network:
    """Network as its page holds it.

    facts: plain values for JSON, see `describe`. weights: bytes of all arrays, little-endian, at
    the places that the facts name. rounding: a sentence on rounded weights; "" if there are none.
    """

    facts: dict
    weights: bytes
    rounding: str


def describe(model, float16=None):
    """Return the Network of a model that reads drawn digits.

    The facts list the layers that change numbers, each with the shape of its output, its options
    and its arrays; an array has a name of the model's ``state_dict``, a shape as np_nn holds it
    (Linear's weight is (in, out)), a type, and the place of its first byte in the weights.

    float16: round the weights, the arrays of several axes; None: if the arrays exceed MOST_BYTES.
    Raises NpNNError for inputs other than digits, outputs that are not probabilities, and layers
    that the page cannot draw.
    """
    rule = model.info.preparation
    if rule.kind != DIGIT:
        raise NpNNError(f"the page needs a model of digits, not of inputs prepared as {rule.kind}")
    named = _drawn_layers(model)
    held = dict(_arrays(named))
    if float16 is None:
        float16 = sum(array.nbytes for array in held.values()) * 4 / 3 > MOST_BYTES
    stored = {name: _stored(array, float16) for name, array in held.items()}
    shape = sample_shape(rule.shape, model)
    facts = {
        "classes": _classes(model, shape),
        "preparation": {"scale": rule.scale, "shift": rule.shift, "deskew": rule.deskew},
        "rate": _rate(model.info.recipe),
        "dataset": model.info.dataset,
        "shape": [1, *rule.shape],
        "layers": list(_layers(named, shape, held)),
        "arrays": list(_placed(stored)),
    }
    return Network(facts, b"".join(a.tobytes() for a in stored.values()), _rounding(held, stored))


def _drawn_layers(model):
    """Return [(name, layer)] of a model's layers, without a Softmax at its end.

    The page computes probabilities and loss from logits itself.
    """
    named = list(_flat(model))
    for _, layer in named:
        if type(layer) not in KINDS and not isinstance(layer, PASSIVE):
            known = "Linear, Conv2d, pooling, Flatten, Dropout, BatchNorm and activations"
            raise NpNNError(f"the page cannot draw {type(layer).__name__}; it draws {known}")
    return named[:-1] if type(named[-1][1]) is layers.Softmax else named


def _flat(module, name=""):
    """Yield (name in the state_dict, layer) of all layers of a chain, and of chains in it."""
    if not is_chain(module):
        yield name, module
        return
    for child_name, child in module.children().items():
        yield from _flat(child, f"{name}.{child_name}" if name else child_name)


def _classes(model, shape):
    """Return the class names. Raises NpNNError for outputs that are not probabilities."""
    with inference():
        outputs = model.forward(np.zeros((1, *shape), np.float32))
    if not confidences(model, outputs)[1]:
        raise NpNNError("its outputs are scores, but the page shows probabilities of classes")
    return model.info.classes or tuple(map(str, range(outputs.shape[1])))


def _rate(recipe):
    """Return the learning rate of the network's training if that used SGD, else RATE."""
    sgd = str(recipe.get("optimizer", "")).startswith("sgd")
    return recipe["lr"] if sgd and recipe.get("lr") else RATE


def _layers(named, shape, held):
    """Yield the facts of each layer that changes numbers. shape: of the network's input."""
    words = iter(formulas([layer for _, layer in named if not isinstance(layer, PASSIVE)]))
    x, before, numbers = np.zeros((1, *shape), np.float32), [], {n: i for i, n in enumerate(held)}
    for name, layer in named:
        with inference():
            x = layer.forward(x)
        if isinstance(layer, PASSIVE):
            before.append(type(layer).__name__)
            continue
        letter, forward, backward = next(words)
        owned = {a: numbers[f"{name}.{a}"] for a in ARRAYS if f"{name}.{a}" in numbers}
        yield {
            "kind": KINDS[type(layer)],
            "title": ", ".join([*before, _title(layer)]),
            "letter": letter,
            "forward": forward,
            "backward": backward,
            "shape": x.shape[1:],
            "options": _options(layer),
            "arrays": owned,
        }
        before = []


def _title(layer):
    """Return a layer's name, for Linear and Conv2d with its arguments."""
    text = repr(layer)
    return text if type(layer) in (layers.Linear, layers.Conv2d) else text.partition("(")[0]


def _options(layer):
    """Return the options that a layer's formula needs besides its arrays."""
    if isinstance(layer, Activation):
        return {"settings": layer.settings}
    if isinstance(layer, layers.Conv2d):
        return {"kernel": layer.weight.shape[2:], "stride": layer.stride, "padding": layer.padding}
    if isinstance(layer, layers.MaxPool2d | layers.AvgPool2d):
        return dict(zip(("kernel", "stride", "padding"), layer.geometry, strict=True))
    return {"eps": layer.eps} if hasattr(layer, "eps") else {}


# ---- Arrays -----------------------------------------------------------------------------------


def _arrays(named):
    """Yield (name in the state_dict, float32 array) of the layers' arrays."""
    for name, layer in named:
        for attribute in ARRAYS:
            if (held := getattr(layer, attribute, None)) is not None:
                yield f"{name}.{attribute}", np.asarray(held.data, np.float32)


def _stored(array, float16):
    """Return an array as the page holds it. Raises NpNNError for values too large for float16."""
    if not float16 or array.ndim < 2:
        return np.ascontiguousarray(array, "<f4")
    if np.abs(array).max() > np.finfo(np.float16).max:
        raise NpNNError("its weights are too large for float16: use --no-float16")
    return np.ascontiguousarray(array, "<f2")


def _placed(stored):
    """Yield the facts of each array. float32 arrays may start at any byte."""
    start = 0
    for name, array in stored.items():
        yield {"name": name, "shape": array.shape, "type": array.dtype.name, "start": start}
        start += array.nbytes


def _rounding(held, stored):
    """Return a sentence on the number of rounded weights and their maximum error, or ""."""
    rounded = [name for name in held if stored[name].dtype != np.float32]
    if not rounded:
        return ""
    most = max(float(np.abs(held[name] - stored[name]).max()) for name in rounded)
    count = sum(held[name].size for name in rounded)
    return f"{count:,} weights are rounded to float16, by at most {most:.2g}"
