"""Every parameter of the estimators: a strange value works, or is refused in one line."""

import inspect
import math

import numpy as np
import pytest

import np_nn as nn

ESTIMATORS = nn.MLPClassifier, nn.MLPRegressor
STRANGE = (
    math.nan, math.inf, -1, 0, "x", [0.1], None, True, np.int64(5), np.float32(0.5), 1.5, 10**20,
    {}, np.array([1, 2]),
)  # fmt: skip
X = np.random.default_rng(0).random((40, 4))
Y = np.arange(40) % 3


PARAMETERS = [(kind, name) for kind in ESTIMATORS for name in inspect.signature(kind).parameters]


def refusal(estimator, settings):
    """Return the message of the ValueError that fit raises, or None."""
    try:
        estimator(hidden_layer_sizes=(4,), max_iter=1).set_params(**settings).fit(X, Y)
    except ValueError as error:  # an NpNNError is one
        return str(error)
    return None


@pytest.mark.kernel_independent
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("estimator", "name"), PARAMETERS)
def test_a_strange_value_works_or_is_refused_by_the_name_of_its_parameter(estimator, name):
    extra = {"early_stopping": True} if name == "validation_fraction" else {}
    refused = [refusal(estimator, {**extra, name: value}) for value in STRANGE]
    assert [words for words in refused if words and (name not in words or "\n" in words)] == []


@pytest.mark.kernel_independent
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hidden_layer_sizes", {}), ("callbacks", {}), ("callbacks", np.array([1, 2])),
        ("random_state", -1), ("random_state", 1.5), ("hidden_layer_sizes", 10**20),
    ],
)  # fmt: skip
def test_these_are_refused(name, value):
    with pytest.raises(nn.NpNNError, match=name):
        nn.MLPClassifier(**{name: value}).fit(X, Y)
