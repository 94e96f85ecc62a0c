"""analysis.trace: every value of a pass, against PyTorch's autograd and finite differences."""

import numpy as np
import pytest

import np_nn as nn
from np_nn.analysis.trace import PASSIVE, trace

IMAGE = np.random.default_rng(0).random((1, 12, 12), np.float32)
LABEL = 3

MODELS = {
    "mlp": lambda: nn.mlp((144, 9, 7, 5)),
    "mlp with everything": lambda: nn.mlp(
        (144, 9, 9, 5), "tanh", norm="batch", noise=0.2, dropout=0.3, input_dropout=0.1,
        residual=True,
    ),
    "lenet": lambda: nn.lenet((1, 12, 12), 5, channels=(3, 4), hidden=(6,)),
    "convnet": lambda: nn.convnet((1, 12, 12), 5, channels=(3, 4), hidden=(6,)),
    "resnet": lambda: nn.resnet((1, 12, 12), 5, channels=(4,)),
}  # fmt: skip


@pytest.fixture(params=MODELS)
def example(request):
    """Return a model, and a sample as its first layer takes it."""
    nn.manual_seed(1)
    return MODELS[request.param](), IMAGE.ravel() if "mlp" in request.param else IMAGE


def close(ours, theirs, tolerance):
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() <= tolerance * max(np.abs(theirs).max(), 1e-3)


def test_all_numbers_are_pytorchs(example):
    torch, twin = pytest.importorskip("torch"), pytest.importorskip("np_nn.torch_twin")
    model, x = example
    ours = trace(model, x, LABEL, nn.CrossEntropyLoss())
    assert model.training
    model.eval()  # for its twin
    out = start = torch.tensor(x[None], requires_grad=True)
    theirs = []
    for layer, mine in zip(twin.module(model), model, strict=True):
        out = layer(out)
        out.retain_grad()
        theirs += [] if isinstance(mine, PASSIVE) else [out]
    loss = torch.nn.functional.cross_entropy(out, torch.tensor([LABEL]))
    loss.backward()
    assert ours.loss == pytest.approx(loss.item(), rel=1e-5)
    close(ours.grad, start.grad[0].numpy(), 1e-4)
    for stage, tensor in zip(ours.stages, theirs, strict=True):
        close(stage.output, tensor.detach()[0].numpy(), 1e-4)
        close(stage.grad, tensor.grad[0].numpy(), 1e-4)


def test_gradients_are_differences():
    nn.manual_seed(1)
    model, loss = nn.mlp((6, 5, 4, 3), "gelu").to(np.float64), nn.CrossEntropyLoss()
    x = np.random.default_rng(0).normal(size=6)
    passed = trace(model, x, 1, loss)

    def loss_from(layers, values):
        return loss(nn.Sequential(*layers)(values[None]), np.array([1]))

    places = [(x, passed.grad), *((stage.output, stage.grad) for stage in passed.stages)]
    for number, (values, grad) in enumerate(places):
        for index in range(len(values)):
            nudge = 1e-6 * np.eye(len(values))[index]
            above, below = (loss_from(model[number:], values + s * nudge) for s in (1, -1))
            assert grad[index] == pytest.approx((above - below) / 2e-6, abs=1e-8)


def test_the_logits_gradient_is_p_minus_y(example):
    model, x = example
    logits = trace(model, x, LABEL, nn.CrossEntropyLoss()).stages[-1]
    p = nn.Softmax()(logits.output[None])[0]
    assert logits.grad == pytest.approx(p - np.eye(5)[LABEL], abs=1e-6)


def test_a_loss_of_values():
    model, target = nn.mlp((144, 9, 5)), np.array([0, 1, 0, 0, 0], np.float32)
    passed = trace(model, IMAGE.ravel(), target, nn.MSELoss())
    out = passed.stages[-1]
    assert out.grad == pytest.approx(2 / 5 * (out.output - target), abs=1e-6)


def test_a_trace_stays_as_it_is_when_the_model_goes_on(example):
    model, x = example
    first = trace(model, x, LABEL, nn.CrossEntropyLoss())
    before = [stage.output.copy() for stage in first.stages]
    trace(model, 1 - x, 0, nn.CrossEntropyLoss())
    for stage, output in zip(first.stages, before, strict=True):
        assert (stage.output == output).all()
    assert (first.x == x).all()


# ---- One unit


@pytest.mark.parametrize("name", ["mlp", "lenet"])
def test_a_unit_follows_the_formula(name):
    nn.manual_seed(1)
    model, x = MODELS[name](), IMAGE.ravel() if name == "mlp" else IMAGE
    passed = trace(model, x, LABEL, nn.CrossEntropyLoss())
    linear = next(layer for layer in model if isinstance(layer, nn.Linear))
    for number in range(6):
        unit = passed.unit(number)
        assert unit.h == pytest.approx((unit.x * unit.w).sum() + unit.b, abs=1e-5)
        assert unit.a == pytest.approx(max(unit.h, 0))
        assert unit.grad_h == (unit.grad_a if unit.h > 0 else 0)
        assert unit.grad_w.ravel() == pytest.approx(linear.weight.grad[:, number], abs=1e-7)


def test_the_unit_that_says_most():
    passed = trace(MODELS["mlp"](), IMAGE.ravel(), LABEL, nn.CrossEntropyLoss())
    most = passed.unit()
    sizes = [abs(unit.h * unit.grad_h) for unit in map(passed.unit, range(9))]
    assert abs(most.h * most.grad_h) == max(sizes) > 0
    assert most.number == sizes.index(max(sizes))


def test_a_unit_of_images_has_weights_for_maps():
    passed = trace(MODELS["lenet"](), IMAGE, LABEL, nn.CrossEntropyLoss())
    assert passed.unit(0).w.shape == passed.unit(0).x.shape == (4, 1, 1)


def test_a_unit_without_bias_or_activation():
    model = nn.Sequential(nn.Linear(144, 5, bias=False))
    unit = trace(model, IMAGE.ravel(), LABEL, nn.CrossEntropyLoss()).unit(4)
    assert (unit.b, unit.a, unit.grad_a) == (0, None, None)
    assert unit.h == pytest.approx(unit.x @ unit.w, abs=1e-5)


@pytest.mark.parametrize("number", [-1, 9])
def test_a_unit_out_of_range(number):
    passed = trace(MODELS["mlp"](), IMAGE.ravel(), LABEL, nn.CrossEntropyLoss())
    with pytest.raises(nn.NpNNError, match=r"unit must be 0\.\.8, got"):
        passed.unit(number)


def test_what_cannot_be_followed():
    with pytest.raises(nn.NpNNError, match="Sequential"):
        trace(nn.Linear(144, 5), IMAGE.ravel(), LABEL, nn.CrossEntropyLoss())
    relu = trace(nn.Sequential(nn.ReLU()), IMAGE.ravel(), LABEL, nn.CrossEntropyLoss())
    with pytest.raises(nn.NpNNError, match="no Linear layer"):
        relu.unit(0)
