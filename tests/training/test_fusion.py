"""Normalisations folded into the layers before them: the same outputs, and an unchanged model."""

import numpy as np
import pytest

import np_nn as nn
from np_nn import ops
from np_nn.layers.module import inference
from np_nn.training import fusion

WITH_KERNELS = frozenset((*fusion.STAGES, "batch_norm_apply"))


def trained(*layers, shape):
    """Return the layers as a model with running statistics, and an input for it."""
    nn.manual_seed(0)
    model = nn.Sequential(*layers)
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    for scale in (1, 3):
        model.train().forward(scale * x + 1)
    for parameter in model.parameters():
        parameter.data += 0.1
    return model.eval(), x


def pairs():
    block, shortcut = (
        nn.Sequential(nn.Conv2d(3, 3, 3, padding=1), nn.BatchNorm2d(3)) for _ in range(2)
    )
    return [
        trained(nn.Linear(5, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2), shape=(6, 5)),
        trained(nn.Linear(5, 4, bias=False), nn.BatchNorm1d(4, affine=False), shape=(6, 5)),
        trained(nn.Conv2d(2, 3, 3, bias=False), nn.BatchNorm2d(3, eps=0.1), shape=(3, 2, 6, 5)),
        trained(nn.Conv2d(1, 3, 2, 2), nn.BatchNorm2d(3), nn.ReLU(), nn.Residual(block, shortcut),
                shape=(3, 1, 6, 8)),
    ]  # fmt: skip


@pytest.mark.parametrize("which", range(4))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_is_folded_gives_the_same(which, dtype, monkeypatch):
    monkeypatch.setattr(ops, "active", ops.active or WITH_KERNELS)
    model, x = pairs()[which]
    model, x = model.to(dtype), x.astype(dtype)
    before, expected = model.state_dict(), model(x)
    folded = fusion.fold(model)
    assert not any(isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d) for m in folded.modules())
    tolerance = {np.float32: 1e-6, np.float64: 1e-13}[dtype] * np.abs(expected).max()
    for view in (folded, fusion.fuse(folded)):
        np.testing.assert_allclose(view(x), expected, rtol=0, atol=tolerance)
        assert view(x).dtype == dtype
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


@pytest.mark.parametrize("layers", [[], [nn.Dropout(0.5)], [nn.Conv2d(3, 3, 1)]])
def test_a_sum_takes_the_place_of_a_blocks_output_but_never_of_its_input(layers, monkeypatch):
    monkeypatch.setattr(ops, "active", ops.active or WITH_KERNELS)
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 4)).astype(np.float32)
    block = nn.Sequential(*layers)
    model = nn.Sequential(nn.Residual(block), nn.ReLU())
    given, expected = x.copy(), model.eval()(x)
    view = fusion.fuse(model)
    assert type(view[0]) is fusion.ResidualRelu
    got = view.forward(x)
    np.testing.assert_array_equal(got, expected)
    np.testing.assert_array_equal(x, given)
    block_out = view[0].residual.block.forward(x)
    assert np.shares_memory(got, block_out) == (bool(layers) and type(layers[0]) is nn.Conv2d)
    model.train()
    assert not np.shares_memory(view.forward(x), view[0].residual.block.forward(x))


def test_what_cannot_be_folded_stays_the_same_model(monkeypatch):
    monkeypatch.setattr(ops, "active", ops.active or WITH_KERNELS)
    model = nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.BatchNorm1d(3), nn.Linear(3, 2))
    assert fusion.fold(model) is model
    assert fusion.fold(model[2]) is model[2]


def test_numpy_stays_the_textbook(monkeypatch):
    monkeypatch.setattr(ops, "active", ())
    model = pairs()[0][0]
    assert fusion.fold(model) is model


def test_inference_notes_no_places_of_the_maxima(monkeypatch):
    monkeypatch.setattr(ops, "active", ops.active or WITH_KERNELS)
    layers = nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(2)
    model, x = trained(*layers, shape=(3, 1, 8, 8))
    (stage,) = fusion.fuse(model)
    expected = stage.forward(x).copy()
    assert stage.ctx.where is not None
    with inference():
        np.testing.assert_array_equal(stage.forward(x), expected)
    assert stage.ctx.where is None


def test_predictions_follow_the_parameters(digits):
    """Folded weights are not kept for the next call."""
    model = nn.Sequential(nn.Linear(784, 4), nn.BatchNorm1d(4))
    for _ in range(2):
        model[1].weight.data *= 2
        pixels = digits.test.images.reshape(len(digits.test), -1) * np.float32(digits.test.scale)
        expected = model.eval()(pixels)
        np.testing.assert_allclose(nn.predict(model, digits.test), expected, rtol=0, atol=1e-5)
