"""Matching of a data set to a network that was trained on another one."""

from dataclasses import replace

import numpy as np

from np_nn.data.preparation import FEATURES
from np_nn.data.split import in_memory
from np_nn.utils.errors import NpNNError, shown


def match(data, classes, preparation):
    """Return a Dataset with its labels and features in the numbering and scale of a network.

    Labels are numbered in the order of ``classes``. Features are standardized by the
    preparation's mean and std. classes: names of the network's outputs; empty: unknown.
    preparation: of the network.

    Raises NpNNError for other class names, another shape, another type, and other columns.
    """
    _check_samples(data, preparation)
    if preparation.kind == FEATURES and data.preparation.kind == FEATURES:
        data = _restandardized(data, preparation)
    if not classes or tuple(data.classes) == tuple(classes):
        return data
    _check_classes(data, classes)
    changed = {
        name: replace(split, labels=renumbered(split.labels, data.classes, classes))
        for name, split in _splits(data).items()
    }
    return replace(data, classes=tuple(classes), **changed)


def renumbered(labels, classes, known):
    """Return labels (n,) int, numbers in `classes`, renumbered to those of the `known` classes.

    Raises NpNNError for a label whose class is not known.
    """
    new = [classes[label] for label in np.unique(labels) if classes[label] not in known]
    if new:
        raise NpNNError(
            f"the data set has classes that the model does not know: {', '.join(new)}; "
            f"it knows {', '.join(known)}"
        )
    numbers = [known.index(name) if name in known else -1 for name in classes]
    return np.array(numbers)[labels]


def _check_samples(data, preparation):
    own = data.preparation
    if preparation.shape and own.shape != preparation.shape:
        raise NpNNError(
            f"the model takes samples of shape {preparation.shape}, "
            f"but those of {data.title} are {own.shape}"
        )
    if preparation.shape and own.pixels != preparation.pixels:
        kinds = {True: "pixels, 0 to 255", False: "numbers that are not pixels"}
        raise NpNNError(
            f"the model takes {kinds[preparation.pixels]}, "
            f"but the samples of {data.title} are {kinds[own.pixels]}"
        )
    if preparation.columns and own.columns and own.columns != preparation.columns:
        differ = sorted({*own.columns} ^ {*preparation.columns}) or "their order"
        raise NpNNError(f"{data.title} has other columns than the model takes: {shown(differ)}")


def _check_classes(data, classes):
    if len(data.classes) != len(classes):
        raise NpNNError(
            f"the model knows {len(classes)} classes, but {data.title} has {len(data.classes)}"
        )
    if len({*classes}) < len(classes) or {*classes} != {*data.classes}:
        theirs = [name for name in data.classes if name not in classes]
        raise NpNNError(
            f"{data.title} has classes that the model does not know: {shown(', '.join(theirs))} "
            f"(it knows {shown(', '.join(classes))})"
        )


def _restandardized(data, preparation):
    """Undo the data set's own standardization, and apply the network's."""
    own, wanted = data.preparation, preparation
    mean, std = np.array(own.mean), np.array(own.std)

    def again(split):
        raw = in_memory(split.images) * std + mean
        images = ((raw - wanted.mean) / wanted.std).astype(np.float32)
        return replace(split, images=images)

    changed = {name: again(split) for name, split in _splits(data).items()}
    return replace(data, preparation=replace(own, mean=wanted.mean, std=wanted.std), **changed)


def _splits(data):
    found = {name: getattr(data, name) for name in ("train", "test", "validation")}
    return {name: split for name, split in found.items() if split is not None}
