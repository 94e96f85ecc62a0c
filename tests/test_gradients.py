"""Each backward pass against central differences of its forward pass, in float64."""

import cases
import numpy as np
import pytest

import np_nn as nn

STEP = 1e-6
TOLERANCE = 1e-6


def numeric_gradient(function, array):
    """d function / d array by central differences; changes array and restores it."""
    gradient = np.zeros_like(array)
    for index in np.ndindex(array.shape):
        value = array[index]
        array[index] = value + STEP
        above = function()
        array[index] = value - STEP
        below = function()
        array[index] = value
        gradient[index] = (above - below) / (2 * STEP)
    return gradient


def assert_close(analytic, numeric):
    scale = max(np.abs(numeric).max(), np.abs(analytic).max(), 1e-8)
    assert np.abs(analytic - numeric).max() / scale < TOLERANCE


@pytest.mark.parametrize(**cases.parametrize(cases.LAYERS))
def test_layer(case):
    layer, x = case.make().to(np.float64), case.inputs()
    weights = np.random.default_rng(2).normal(size=layer(x).shape)

    def weighted_sum():
        return float((layer.forward(x) * weights).sum())

    weighted_sum()
    grads = [layer.backward(weights).copy(), *(p.grad.copy() for p in layer.parameters())]
    for grad, array in zip(grads, [x, *(p.data for p in layer.parameters())], strict=True):
        assert_close(grad, numeric_gradient(weighted_sum, array))


@pytest.mark.parametrize(**cases.parametrize(cases.LOSSES))
def test_loss(case):
    loss, logits = case.make(), case.inputs()
    labels = np.random.default_rng(2).integers(0, logits.shape[1], len(logits))
    loss.forward(logits, labels)
    grad = loss.backward().copy()
    assert_close(grad, numeric_gradient(lambda: loss.forward(logits, labels), logits))


def test_whole_network():
    model = nn.mlp((7, 6, 5, 3)).to(np.float64)
    loss = nn.CrossEntropyLoss()
    x, labels = cases.Case(nn.Linear).inputs(), np.array([0, 1, 2, 0, 1, 2])

    def total():
        return loss.forward(model.forward(x), labels)

    total()
    grads = [model.backward(loss.backward()).copy(), *(p.grad.copy() for p in model.parameters())]
    for grad, array in zip(grads, [x, *(p.data for p in model.parameters())], strict=True):
        assert_close(grad, numeric_gradient(total, array))
