"""Matching a data set to a network: labels by class names, features by its preparation."""

from dataclasses import replace

import numpy as np
import pytest

import np_nn as nn
from np_nn.data.matching import match
from np_nn.data.preparation import FEATURES, Preparation

pytestmark = pytest.mark.kernel_independent
IMAGES = np.arange(12, dtype=np.uint8).reshape(3, 2, 2)
ROWS = np.array([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]])


def data(classes=("a", "b", "c"), images=IMAGES, **more):
    splits = [nn.Split(images, np.array(labels)) for labels in ([0, 1, 2], [2, 0, 1])]
    return nn.Dataset("pets", *splits, classes, **more)


def features(mean, std, columns=("x", "y")):
    rule = Preparation(FEATURES, (2,), False, columns=columns, mean=mean, std=std)
    images = ((ROWS - mean) / std).astype(np.float32)
    return data(images=images, preparation=rule)


def test_labels_are_numbered_by_the_names_of_the_networks_classes():
    rule = data().preparation
    found = match(data(), ("c", "a", "b"), rule)
    assert found.classes == ("c", "a", "b")
    assert found.train.labels.tolist() == [1, 2, 0]
    assert found.test.labels.tolist() == [0, 1, 2]
    same = data()
    assert match(same, ("a", "b", "c"), rule) is same
    assert match(same, (), rule) is same  # a file without class names


def test_features_are_standardized_as_the_network_learnt_them():
    own, wanted = features((2.0, 20.0), (1.0, 10.0)), features((0.0, 5.0), (2.0, 0.5))
    found = match(own, own.classes, wanted.preparation)
    np.testing.assert_allclose(found.train.images, wanted.train.images, rtol=1e-6)
    assert found.preparation == wanted.preparation


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"classes": ("a", "b")}, "knows 2 classes, but pets has 3"),
        ({"classes": ("a", "b", "d")}, r"does not know: c \(it knows a, b, d\)"),
        ({"preparation": Preparation(shape=(3, 2))}, r"shape \(3, 2\), but those of pets are \(2"),
        ({"preparation": Preparation(shape=(2, 2), pixels=False)}, "numbers that are not pixels"),
    ],
)
def test_another_data_set_is_refused_in_one_line(change, message):
    given = {"classes": ("a", "b", "c"), "preparation": Preparation(shape=(2, 2))} | change
    with pytest.raises(nn.NpNNError, match=message):
        match(data(), **given)


def test_other_columns_are_refused():
    own = features((0.0, 0.0), (1.0, 1.0))
    for columns, message in {("x", "z"): r"\['y', 'z'\]", ("y", "x"): "their order"}.items():
        with pytest.raises(nn.NpNNError, match=f"other columns than the model takes: {message}"):
            match(own, own.classes, replace(own.preparation, columns=columns))
