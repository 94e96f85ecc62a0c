"""Builders of a Recipe's network, loss, optimizer, schedule, limits and ``fit`` options.

In every function, settings is a Recipe.
"""

import dataclasses
import inspect
import math

import numpy as np

from np_nn.data.split import image_shape
from np_nn.layers import initializers
from np_nn.losses import LOSSES
from np_nn.models import MODELS
from np_nn.optim import OPTIMIZERS
from np_nn.optim.limits import Limits
from np_nn.optim.schedules import SCHEDULES
from np_nn.recipes.prepare import augmentation
from np_nn.recipes.recipe import NETWORK, hyperparameters
from np_nn.saving.model_info import ModelInfo
from np_nn.team import Team
from np_nn.training.early_stopping import EarlyStopping
from np_nn.utils import machine, spec
from np_nn.utils.errors import NpNNError, shown


def change(settings, name):
    """Return the Recipe with another model, and the network's fields at that model's defaults.

    Convolutional models use init="torch": from the original initialization, LeNet-5 stays at
    chance level.
    """
    plain = {field.name: field.default for field in hyperparameters(settings, NETWORK)}
    changed = dataclasses.replace(settings, **plain, model=name)
    own = changed.network_defaults | {"channels": ()}
    return dataclasses.replace(
        changed, **own, init="torch" if takes_images(changed) else settings.init
    )


def check(settings):
    """Raise NpNNError if a Recipe's values, each of them valid, do not fit together."""
    own = settings.network_defaults
    for field in hyperparameters(settings, NETWORK):
        if field.name not in own and getattr(settings, field.name) != field.default:
            raise NpNNError(f"{settings.model} has no {field.name}; it has {', '.join(own)}")
    if settings.patience and not settings.validation:
        raise NpNNError("patience needs held-out images: hold some out with validation")
    schedule(settings)
    augmentation(settings)
    optimizer(settings, [])
    balanced = "balanced" in settings.class_weights
    if balanced and len(settings.class_weights) > 1:
        raise NpNNError("class_weights: give balanced alone, or a number for each class")
    _loss(settings, [1] if balanced else settings.class_weights)


def model(settings, data, seed):
    """Return the network of a Recipe for a Dataset, its weights initialized from `seed`.

    Raises NpNNError for settings that the model does not have or does not accept.
    """
    made = model_for(settings, data.train.images.shape[1:], len(data.classes))
    made.info = info(settings, data)
    return initializers.initialize(made, settings.init, seed)


def info(settings, data):
    """Return the ModelInfo of a Recipe's network; data: a Dataset, prepared for the settings."""
    values = {field.name: getattr(settings, field.name) for field in hyperparameters(settings)}
    return ModelInfo(
        data.classes, data.preparation, data.name, values, machine.versions("np_nn", "numpy")
    )


def takes_images(settings):
    """Return whether the network of a Recipe takes images (N, C, H, W) instead of rows (N, I)."""
    return "image" in inspect.signature(MODELS[settings.model]).parameters


def model_for(settings, shape, classes):
    """Return the network of a Recipe for samples of `shape`, before the Recipe's initialization.

    shape: (H, W) or (C, H, W) for convolutions; any shape for a network that takes rows. classes:
    number of outputs. Raises NpNNError for settings that the model does not have, and for a shape
    that its convolutions do not take.
    """
    check(settings)
    own = settings.network_defaults
    known = {name: getattr(settings, name) for name in own}
    known["channels"] = settings.channels or own.get("channels")
    inputs = math.prod(shape)
    known |= {"sizes": settings.sizes(inputs, classes), "inputs": inputs, "classes": classes}
    if takes_images(settings):
        known["image"] = _image(settings, shape)
    make = MODELS[settings.model]
    wanted = inspect.signature(make).parameters
    return make(**{name: value for name, value in known.items() if name in wanted})


def _image(settings, shape):
    """Return a sample's shape as (C, H, W). Raises NpNNError, naming the model, for rows."""
    if len(shape) == 1:
        raise NpNNError(
            f"{settings.model} takes images, and each sample is a row of {shape[0]} features: "
            "use a model that takes rows, such as mlp"
        )
    return image_shape(shape)


def loss(settings, data):
    """Return the loss of a Recipe; "balanced" class weights follow from the Dataset's labels.

    Raises NpNNError for class weights that the loss does not take, and, if "balanced", for a
    class without samples.
    """
    weights = settings.class_weights
    if "balanced" in weights:
        weights = balanced_weights(data.train.labels, len(data.classes))
    return _loss(settings, weights)


def _loss(settings, weights):
    made = spec.build(settings.loss, LOSSES, "loss")
    try:
        return spec.build(settings.loss, LOSSES, "loss", weight=weights) if len(weights) else made
    except NpNNError as error:
        raise NpNNError(f"class_weights {shown(weights)}: {error}") from None
    except TypeError:
        raise NpNNError(
            f"the loss {settings.loss} takes no class weights: use a loss of classes, such as "
            "cross_entropy"
        ) from None


def balanced_weights(labels, classes):
    """Return weights (classes,) float32 that balance the classes: mean size / class size.

    labels (N,) int. As scikit-learn's "balanced". Raises NpNNError for a class without samples.
    """
    counts = np.bincount(labels, minlength=classes)
    if not counts.all():
        raise NpNNError(
            f"class {counts.argmin()} has no training sample: balanced class weights need one of "
            "each class"
        )
    return (counts.mean() / counts).astype(np.float32)


def optimizer(settings, parameters):
    """Return the optimizer of a Recipe for `parameters`."""
    return spec.build(settings.optimizer, OPTIMIZERS, "optimizer", parameters, settings.lr)


def schedule(settings):
    """Return the schedule of a Recipe."""
    return spec.build(settings.schedule, SCHEDULES, "schedule")


def limits(settings):
    """Return the Limits of a Recipe."""
    return Limits(settings.clip_norm, settings.clip_value, settings.max_norm)


def fit_options(settings, data):
    """Return a dict of the options of ``fit`` other than data, model, loss and optimizer.

    data: a Dataset, prepared for the settings.
    """
    return {
        **settings.plan,
        "schedule": schedule(settings),
        "augment": augmentation(settings),
        "limits": limits(settings),
        "validation": data.validation,
        "early_stopping": EarlyStopping(settings.patience) if settings.patience else None,
        "team": Team(settings.shards) if settings.shards else None,
    }
