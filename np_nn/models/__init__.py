"""Networks by name, built from layers.

Each is a function whose arguments, but for the sizes of input and output, are fields of a Recipe:
its signature says which fields it has.
"""

import dataclasses
import inspect
import math

import numpy as np

from np_nn.layers import Conv2d, Linear, initializers
from np_nn.models.convolutional import convnet, lenet, lenet5, simard
from np_nn.models.mlp import mlp
from np_nn.models.parts import ACTIVATIONS, NORMS, OUTPUTS
from np_nn.models.residual import residual_mlp, resnet
from np_nn.utils.errors import NpNNError

MODELS = {
    "mlp": mlp,
    "residual_mlp": residual_mlp,
    "lenet5": lenet5,
    "lenet": lenet,
    "convnet": convnet,
    "simard": simard,
    "resnet": resnet,
}

# The fields of a Recipe that say what a network looks like.
FIELDS = (
    "hidden", "channels", "activation", "output", "bias", "norm", "noise", "input_noise", "dropout",
    "input_dropout", "residual",
)  # fmt: skip


def fields(name):
    """{field: its value in this model if nothing is said} of those that the model has."""
    arguments = inspect.signature(MODELS[name]).parameters
    own = {field: arguments[field].default for field in FIELDS if field in arguments}
    return {"hidden": (512,), **own} if name == "mlp" else own


def change(settings, name):
    """A Recipe with another model, as that is if nothing is said.

    Convolutions start as in PyTorch: from the original's start, LeNet-5 does not leave chance.
    """
    plain = {field.name: field.default for field in dataclasses.fields(settings)}
    network = {field: plain[field] for field in FIELDS} | fields(name) | {"channels": ()}
    changed = dataclasses.replace(settings, model=name, **network)
    return dataclasses.replace(changed, init="torch") if takes_images(changed) else changed


def check(settings):
    """Raise NpNNError if a Recipe says something that its model does not have."""
    own = fields(settings.model)
    for field in dataclasses.fields(settings):
        said = getattr(settings, field.name) != field.default
        if field.name in FIELDS and field.name not in own and said:
            raise NpNNError(f"{settings.model} has no {field.name}; it has {', '.join(own)}")


def build(settings, data, seed):
    """The network of a Recipe for a Dataset, with the weights that the seed gives.

    Raises NpNNError for settings that its model does not have, or cannot have.
    """
    model = _network(settings, data.train.images.shape[1:], len(data.classes))
    return initializers.initialize(model, settings.init, seed)


def takes_images(settings):
    """Whether the network of a Recipe takes images (N, C, H, W), and not rows (N, I)."""
    return "image" in inspect.signature(MODELS[settings.model]).parameters


def multiplications(settings, shape=(28, 28)):
    """How many the network of a Recipe needs for one image, forward."""
    model = _network(settings, shape, 10).eval()
    one = _as_image(shape) if takes_images(settings) else (math.prod(shape),)
    model(np.zeros((1, *one), np.float32))
    return sum(
        layer.products if isinstance(layer, Conv2d) else layer.weight.data.size
        for layer in model.modules()
        if isinstance(layer, Conv2d | Linear)
    )


def _network(settings, shape, classes):
    """shape: of an image, (H, W), (C, H, W) or, for those who take rows, any other."""
    check(settings)
    known = {field: getattr(settings, field) for field in FIELDS}
    known["channels"] = settings.channels or fields(settings.model).get("channels")
    inputs = math.prod(shape)
    known |= {
        "sizes": settings.sizes(inputs, classes),
        "inputs": inputs,
        "image": _as_image(shape),
        "classes": classes,
    }
    make = MODELS[settings.model]
    wanted = inspect.signature(make).parameters
    return make(**{name: value for name, value in known.items() if name in wanted})


def _as_image(shape):
    """(C, H, W) of what is (H, W) or already that."""
    return (1,) * (3 - len(shape)) + tuple(shape)


__all__ = [
    "ACTIVATIONS", "FIELDS", "MODELS", "NORMS", "OUTPUTS", "build", "change", "check", "convnet",
    "fields", "lenet", "lenet5", "mlp", "multiplications", "residual_mlp", "resnet", "simard",
    "takes_images",
]  # fmt: skip
