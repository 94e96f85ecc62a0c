"""Initialisers: standard deviations, orthogonality, and why zeros do not work."""

import numpy as np
import pytest

import np_nn as nn
from np_nn.layers import initializers


@pytest.mark.parametrize("name", initializers.INITIALISERS)
def test_initialisers_have_the_deviation_that_they_promise(name):
    model = initializers.initialize(nn.mlp((300, 200)), name, 0)
    weight, bias = model[0].weight.data, model[0].bias.data
    fan_in, fan_out = 300, 200
    promised = {
        "original": np.sqrt(1 / (3 * fan_in * fan_out)),
        "torch": np.sqrt(1 / (3 * fan_in)),
        "xavier_uniform": np.sqrt(2 / (fan_in + fan_out)),
        "xavier_normal": np.sqrt(2 / (fan_in + fan_out)),
        "kaiming_uniform": np.sqrt(2 / fan_in),
        "kaiming_normal": np.sqrt(2 / fan_in),
        "orthogonal": np.sqrt(1 / fan_in),
        "fan_out_normal": np.sqrt(1 / fan_out),
        "standard_normal": 1.0,
        "zeros": 0.0,
    }
    assert weight.dtype == np.float32
    assert weight.std() == pytest.approx(promised[name], rel=0.02)
    own_biases = {"original", "torch", "fan_out_normal", "standard_normal"}
    assert bool(np.any(bias)) == (name in own_biases)


def test_an_orthogonal_start_keeps_lengths():
    for shape in ((30, 20), (20, 30), (20, 20)):
        q = initializers.orthogonal(np.random.default_rng(0), shape, *shape).astype(float)
        product = q.T @ q if shape[0] >= shape[1] else q @ q.T
        assert np.allclose(product, np.eye(min(shape)), atol=1e-6)


def test_zeros_is_no_start(digits):
    """All units of a hidden layer stay equal during training, so they act as one unit."""

    def trained(start):
        model = initializers.initialize(nn.mlp((784, 8, 10), "sigmoid"), start, 0)
        optimizer = nn.SGD(model.parameters(), lr=0.5)
        plan = {"epochs": 3, "batch_size": 50, "seed": 0, "quiet": True}
        nn.fit(model, digits.train, nn.CrossEntropyLoss(), optimizer, **plan)
        return model[0].weight.data, nn.evaluate(model, digits.test).accuracy

    alike, poor = trained("zeros")
    different, good = trained("xavier_uniform")
    assert np.allclose(alike, alike[:, :1], atol=1e-6)
    assert not np.allclose(different, different[:, :1], atol=1e-6)
    assert good > poor + 0.2
