"""Each backward pass compared with central differences of its forward pass, in float64."""

import numpy as np
import pytest

import np_nn as nn
from np_nn.layers.module import Module
from tests import cases


@pytest.mark.parametrize(**cases.parametrize(cases.LAYERS))
def test_layer(case):
    report = nn.gradcheck(case.make(), case.inputs())
    assert report, report


BATCH_NORMS = [c for c in cases.LAYERS if c.kind in (nn.BatchNorm1d, nn.BatchNorm2d)]


@pytest.mark.parametrize(**cases.parametrize(BATCH_NORMS))
def test_batch_norm_in_use(case):
    layer = case.make()
    layer(case.inputs(np.float32))
    report = nn.gradcheck(layer.eval(), case.inputs())
    assert report, report


@pytest.mark.parametrize(**cases.parametrize(cases.LOSSES))
def test_loss(case):
    report = nn.gradcheck(case.make(), *cases.loss_inputs(case))
    assert report, report


def test_whole_network():
    model = nn.mlp(
        (7, 6, 6, 3), "gelu", norm="layer", noise=0.1, dropout=0.2, input_dropout=0.1,
        residual=True, output="log_softmax",
    )  # fmt: skip
    report = nn.gradcheck(model, cases.Case(nn.Linear).inputs())
    assert report, report


class Wrong(Module):
    """A layer y = x^2 whose gradient is wrong at one value."""

    def forward(self, x):
        self.ctx.x = x
        return x * x

    def backward(self, grad, input_grad=True):
        slope = 2 * self.ctx.x
        slope[1, 2] *= 1.001
        return grad * slope


def test_a_wrong_gradient_is_found_and_shown():
    report = nn.gradcheck(Wrong(), np.full((2, 3), 1.5))
    assert not report
    assert report.worst.index == (1, 2)
    assert report.worst.backward == pytest.approx(1.001 * report.worst.difference, rel=1e-6)
    assert "Wrong(): WRONG, input most" in str(report)
    assert "(1, 2)" in str(report)


def test_a_right_gradient_is_reported_and_the_layer_left_alone():
    layer = nn.Linear(3, 2)
    before = layer.state_dict()
    text = str(nn.gradcheck(layer, np.ones((2, 3), np.float32)))
    assert text.startswith("Linear(3, 2): right")
    assert all(name in text for name in ("input", "weight", "bias"))
    assert layer.weight.data.dtype == np.float32
    assert all((before[name] == array).all() for name, array in layer.state_dict().items())


@pytest.mark.parametrize("x", [np.ones((2, 3), int), np.empty((0, 3)), np.full((2, 3), np.nan)])
def test_bad_input(x):
    with pytest.raises(nn.NpNNError, match="x must be finite, floating point"):
        nn.gradcheck(nn.ReLU(), x)


def test_a_backward_of_another_shape_is_said():
    class Sums(nn.ReLU):
        def backward(self, grad, input_grad=True):
            return grad.sum(axis=0)

    with pytest.raises(
        nn.NpNNError, match=r"backward returned shape \(3,\) for an input of \(2, 3\)"
    ):
        nn.gradcheck(Sums(), np.ones((2, 3)))
