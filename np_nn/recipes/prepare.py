"""Preparation of a Dataset for a Recipe: split, deskew, scale, and set the loss's targets."""

import time
from dataclasses import replace

from np_nn import losses
from np_nn.data import preprocess
from np_nn.data.augmentation import named
from np_nn.data.split import is_stored, noun
from np_nn.utils import spec
from np_nn.utils.errors import NpNNError


def prepare(settings, data):
    """Return a Dataset prepared for the settings, a Recipe.

    ``prepare_seconds`` is the time spent on the training images and on those held out of them.

    Only pixels are scaled and standardized; features already are, and other arrays stay as they
    are.

    Raises NpNNError if holding out `settings.validation` samples leaves none to train on.
    """
    started = time.perf_counter()
    train, test, validation = data.train, data.test, None
    if settings.validation >= len(train):
        word = noun(train.images)
        raise NpNNError(
            f"cannot hold out {settings.validation} {word} of {len(train)} for validation: "
            "some must be left to train on"
        )
    if settings.validation:
        train, validation = hold_out(train, settings.validation)
    if not data.preparation.pixels:
        scale, shift = 1.0, 0.0
    elif settings.standardize:
        scale, shift = preprocess.standardization(train.images)
    else:
        scale, shift = settings.scale, settings.shift

    def finish(split):
        if split is None:
            return None
        images = preprocess.deskew(split.images) if settings.deskew else split.images
        wanted = targets(settings, split.labels, len(data.classes))
        return replace(split, images=images, labels=wanted, scale=scale, shift=shift)

    train, validation = finish(train), finish(validation)
    seconds = time.perf_counter() - started
    test = finish(test)
    preparation = replace(data.preparation, deskew=settings.deskew)
    return replace(
        data,
        train=train,
        test=test,
        validation=validation,
        preparation=preparation,
        prepare_seconds=seconds,
    )


def augmentation(settings):
    """Return the augmentation of a Recipe, or None."""
    return named(settings.augment) if settings.augment else None


def hold_out(split, count):
    """Return a Split without its last `count` samples, and a Split of those samples."""
    return _part(split, 0, -count), _part(split, -count, None)


def _part(split, start, stop):
    images = split.images
    images = images.part(start, stop) if is_stored(images) else images[start:stop]
    return replace(split, images=images, labels=split.labels[start:stop])


def targets(settings, labels, classes):
    """Return the targets of a Recipe's loss: the labels (n,), or values (n, classes) float32.

    labels: (n,) int.
    """
    name, _ = spec.parse(settings.loss, losses.LOSSES, "loss")
    if losses.LOSSES[name].targets == "classes":
        return labels
    return losses.one_hot(labels, classes, *settings.targets)
