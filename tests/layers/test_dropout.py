"""Dropout and noise: the right fraction, reproducible from a seed, the same for sparse input."""

import numpy as np
import pytest

import np_nn as nn
from np_nn.training import inputs
from np_nn.utils import seeds


def test_dropout_keeps_the_mean():
    x = np.ones((400, 500), np.float32)
    y = nn.Dropout(0.3)(x)
    assert (y == 0).mean() == pytest.approx(0.3, abs=0.005)
    assert set(np.unique(y)) == {0, np.float32(1 / 0.7)}
    assert (y == 0).mean(axis=0).std() == pytest.approx(np.sqrt(0.3 * 0.7 / 400), rel=0.15)


def test_noise_is_normal():
    from scipy.stats import kstest

    x = np.full((100, 300), 2.0, np.float32)
    y = nn.GaussianNoise(0.5)(x)
    assert kstest((y.ravel() - 2) / 0.5, "norm").pvalue > 1e-3


@pytest.mark.parametrize("layer", [nn.Dropout(0.5), nn.GaussianNoise(0.1)])
def test_every_call_draws_anew_and_use_draws_nothing(layer):
    x = np.ones((50, 50), np.float32)
    layer.train()
    first, second = layer(x), layer(x)
    assert (first != second).mean() > 0.2
    layer.eval()
    assert np.array_equal(layer(x), x)


def test_backward_drops_what_forward_dropped():
    layer, x = nn.Dropout(0.5), np.ones((20, 30), np.float32)
    y = layer(x)
    assert np.array_equal(layer.backward(3 * x), 3 * y)


def test_the_seed_of_fit_decides(digits):
    def train(seed):
        nn.manual_seed(0)
        model = nn.mlp((784, 16, 10), dropout=0.5, input_dropout=0.2, noise=0.1)
        plan = {"steps": 5, "batch_size": 20, "quiet": True, "seed": seed}
        nn.fit(model, digits.train, nn.CrossEntropyLoss(), nn.SGD(model.parameters(), 0.1), **plan)
        return model.state_dict()["1.weight"]

    assert np.array_equal(train(1), train(1))
    assert not np.array_equal(train(1), train(2))


def test_the_random_state_goes_on_where_it_was():
    model = nn.Sequential(
        nn.Dropout(0.5), nn.Sequential(nn.GaussianNoise(0.1), nn.ReLU()), nn.Dropout(0.1)
    )
    seeds.reseed(model, 3)
    x = np.ones((9, 9), np.float32)
    model(x)
    state = model.random_state()
    assert list(state) == ["0", "1.0", "2"]
    second = model(x)
    model.load_random_state(state)
    assert np.array_equal(model(x), second)


def test_dropped_pixels_are_those_of_dense_input(digits):
    layer, indices = nn.Dropout(0.3), np.array([5, 3, 5, 99])
    dense = inputs.DenseFeed(digits.train)(indices).copy()
    seeds.reseed(layer, 1)
    expected = layer(dense)
    seeds.reseed(layer, 1)
    sparse = layer.forward(inputs.SparseFeed(digits.train)(indices))
    out = nn.reference.expand(*vars(sparse).values(), np.empty_like(dense))
    assert np.allclose(out, expected)


@pytest.mark.parametrize("p", [1, 1.5, -0.1, np.nan])
def test_bad_shares(p):
    with pytest.raises(nn.NpNNError, match=r"at least 0 and below 1|a finite number"):
        nn.Dropout(p)


@pytest.mark.parametrize("std", [-1, np.inf, np.nan])
def test_bad_noise(std):
    with pytest.raises(nn.NpNNError, match=r"finite|at least 0"):
        nn.GaussianNoise(std)
