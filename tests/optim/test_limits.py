"""Limits on gradients and weights, compared with PyTorch's and in training."""

import numpy as np
import pytest

import np_nn as nn


def parameters(seed=0):
    """Return parameters of a small network, with gradients as after a backward pass."""
    rng, model = np.random.default_rng(seed), nn.mlp((7, 5, 3))
    for parameter in model.parameters():
        parameter.grad[...] = rng.normal(size=parameter.shape)
    return model.parameters()


def torch_parameters(ours):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    theirs = [torch.nn.Parameter(torch.tensor(p.data)) for p in ours]
    for parameter, p in zip(theirs, ours, strict=True):
        parameter.grad = torch.tensor(p.grad)
    return theirs


@pytest.mark.parametrize("limit", [0.1, 1.0, 1e3])
def test_clip_grad_norm(limit):
    ours = parameters()
    theirs = torch_parameters(ours)
    from torch.nn.utils import clip_grad_norm_

    before = clip_grad_norm_(theirs, limit)
    assert nn.clip_grad_norm_(ours, limit) == pytest.approx(before.item(), rel=1e-5)
    for p, parameter in zip(ours, theirs, strict=True):
        assert np.allclose(p.grad, parameter.grad, rtol=1e-5)


def test_clip_grad_value():
    ours = parameters()
    theirs = torch_parameters(ours)
    from torch.nn.utils import clip_grad_value_

    clip_grad_value_(theirs, 0.5)
    nn.clip_grad_value_(ours, 0.5)
    for p, parameter in zip(ours, theirs, strict=True):
        assert np.array_equal(p.grad, parameter.grad)


@pytest.mark.parametrize("limit", [nn.clip_grad_norm_, nn.clip_grad_value_, nn.max_norm_])
def test_parameters_may_be_an_iterator(limit):
    ours, wanted = parameters(), parameters()
    for p, q in zip(ours, wanted, strict=True):
        q.data[...] = p.data
    assert limit(filter(None, ours), 0.1) == limit(wanted, 0.1)
    for p, q in zip(ours, wanted, strict=True):
        assert np.array_equal(p.grad, q.grad)
        assert np.array_equal(p.data, q.data)


def test_max_norm_shortens_what_is_too_long_and_nothing_else():
    ours = parameters()
    weight, before = ours[0].data, ours[0].data.copy()
    weight[:, 0] *= 100
    bias = ours[1].data.copy()
    nn.max_norm_(ours, 1.5)
    lengths = np.linalg.norm(weight, axis=0)
    assert lengths[0] == pytest.approx(1.5)
    assert np.allclose(weight[:, 0] / 1.5, before[:, 0] / np.linalg.norm(before[:, 0]))
    assert np.array_equal(weight[:, 1:], before[:, 1:])
    assert np.array_equal(ours[1].data, bias)


@pytest.mark.parametrize("limit", [0, -1, np.nan, np.inf])
@pytest.mark.parametrize("function", [nn.clip_grad_norm_, nn.clip_grad_value_, nn.max_norm_])
def test_bad_limits(function, limit):
    with pytest.raises(nn.NpNNError, match=r"above 0|finite"):
        function(parameters(), limit)


def test_limits_hold_in_training(digits):
    model = nn.mlp((784, 16, 10))
    optimizer = nn.SGD(model.parameters(), lr=1.0)
    limits = nn.Limits(clip_norm=1e-3, max_norm=0.5)
    plan = {"steps": 5, "batch_size": 50, "seed": 0, "quiet": True}
    start = model[2].bias.data.copy()
    nn.fit(model, digits.train, nn.CrossEntropyLoss(), optimizer, limits=limits, **plan)
    assert np.linalg.norm(model[0].weight.data, axis=0).max() <= 0.5 + 1e-6
    assert 0 < np.linalg.norm(model[2].bias.data - start) <= 5e-3  # five steps of at most 1e-3
    with pytest.raises(nn.NpNNError, match="clip_value"):
        nn.Limits(clip_value=0)
