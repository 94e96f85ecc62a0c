"""analysis.embedding: outputs of the last hidden layer, and maps that keep neighbours close."""

import numpy as np
import pytest

import np_nn as nn
from np_nn.analysis.embedding import embed, hidden
from tests.support.trainings import blobs


@pytest.mark.parametrize("options", [{}, {"dropout": 0.5}, {"output": "softmax"}])
def test_hidden_is_what_the_last_linear_layer_is_given(options):
    model, data = nn.mlp((4, 8, 6, 3), **options), blobs()
    features = hidden(model, data)
    assert features.shape == (300, 6)
    last = [layer for layer in model if isinstance(layer, nn.Linear)][-1]
    outputs = last(features)
    if options.get("output"):
        outputs = nn.Softmax()(outputs)
    np.testing.assert_allclose(outputs, nn.predict(model, data), rtol=1e-5, atol=1e-6)


def test_hidden_takes_images_too(digits):
    few = nn.Split(digits.test.images[:9], digits.test.labels[:9])
    assert hidden(nn.convnet(channels=(2, 2), hidden=(5,)), few).shape == (9, 5)


def test_maps_keep_groups_together_and_are_the_same_each_time():
    rng, groups = np.random.default_rng(0), np.arange(120) % 3
    features = rng.normal(size=(3, 20))[groups] * 9 + rng.normal(size=(120, 20))
    with np.errstate(all="raise"):
        maps = embed(features)
    for name, points in embed(features).items():
        np.testing.assert_array_equal(points, maps[name])
        assert points.shape == (120, 2)
        apart = np.linalg.norm(points[:, None] - points, axis=2) + 1e9 * np.eye(120)
        assert (groups[apart.argmin(axis=1)] == groups).all()
    assert maps.keys() == {"PCA", "t-SNE"}
    span = np.linalg.svd(features - features.mean(axis=0))[1][:2] ** 2
    np.testing.assert_allclose((maps["PCA"] ** 2).sum(axis=0), span, rtol=1e-6)


def test_a_network_without_a_linear_layer_is_refused():
    with pytest.raises(nn.NpNNError, match="the network has no Linear layer"):
        hidden(nn.Sequential(nn.Flatten()), blobs())


def test_a_layer_that_says_nothing_is_refused():
    with pytest.raises(nn.NpNNError, match="the same for every image"):
        embed(np.zeros((40, 8), np.float32))


def test_few_points_make_a_map_and_fewer_are_refused():
    points = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    assert all(found.shape == (5, 2) for found in embed(points).values())
    for few in (points[:4], points[:, :1]):
        with pytest.raises(nn.NpNNError, match="an embedding needs at least 5 samples and 2 units"):
            embed(few)
