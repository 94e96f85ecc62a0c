"""Small data sets like those of users: colour images, tables, many classes, unusual names."""

import numpy as np

from np_nn.data import Dataset, Split
from np_nn.data.preparation import FEATURES, IMAGE, Preparation

NAMES = ("T-shirt/top", "größer", "猫", "$x_1$ costs $5", "a|b\nc", 5 * "long name ")
COLUMNS = ("sepal length", "petal width ($cm)", "猫")


def dataset(images, classes, preparation, remarks=()):
    """Return a Dataset called "own": a third is the test split; labels repeat in order."""
    labels, cut = np.arange(len(images)) % len(classes), 2 * len(images) // 3
    splits = (Split(images[part], labels[part]) for part in (slice(cut), slice(cut, None)))
    return Dataset("own", *splits, tuple(classes), preparation=preparation, remarks=remarks)


def colour(count=60, classes=NAMES, shape=(3, 12, 10)):
    """Return photos as a folder gives them, too bright to be ink; (H, W): greyscale."""
    images = np.random.default_rng(0).integers(60, 255, (count, *shape)).astype(np.uint8)
    return dataset(images, classes, Preparation(IMAGE, shape), ("2 files left out: <b>.png",))


def table(count=60, classes=("setosa", "versicolor"), columns=COLUMNS):
    """Return standardized rows, as a CSV gives them, of mean 5 and standard deviation 2 before."""
    size = len(columns)
    values = np.random.default_rng(0).normal(size=(count, size)).astype(np.float32)
    numbers = {"mean": size * (5.0,), "std": size * (2.0,)}
    return dataset(
        values, classes, Preparation(FEATURES, (size,), False, columns=columns, **numbers)
    )
