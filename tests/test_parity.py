"""Each layer, loss and optimizer compared with PyTorch, from the same weights and inputs."""

import numpy as np
import pytest

import np_nn as nn
from tests import cases

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
from np_nn import torch_twin  # noqa: E402 (it imports torch, which may be absent)

# Relative to the largest value of the array; float32 leaves 2^-24 per operation.
TOLERANCE = {np.float64: 1e-9, np.float32: 2e-6}

dtypes = pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=["float64", "float32"])


NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.LayerNorm)


def assert_same(ours, theirs, dtype):
    theirs = theirs.detach().numpy()
    assert ours.shape == theirs.shape
    assert ours.dtype == theirs.dtype == dtype
    scale = max(np.abs(theirs).max(), 1e-30)
    assert np.abs(ours - theirs).max() / scale <= TOLERANCE[dtype]


def assert_same_gradients(model, torch_model, dtype):
    theirs = dict(torch_model.named_parameters())
    assert list(model.named_parameters()) == list(theirs)
    for name, parameter in model.named_parameters().items():
        grad = parameter.grad.T if parameter.transposed else parameter.grad
        assert_same(grad, theirs[name].grad, dtype)


@dtypes
@pytest.mark.parametrize(**cases.parametrize(cases.LAYERS))
def test_layer(case, dtype):
    layer, x = case.make().to(dtype), case.inputs(dtype)
    layer.train(case.kind not in cases.RANDOM)
    assert_same_layer(layer, x, dtype)


@dtypes
@pytest.mark.parametrize(**cases.parametrize([c for c in cases.LAYERS if c.kind in NORMS]))
def test_normalisation_after_training(case, dtype):
    layer, x = case.make().to(dtype), case.inputs(dtype)
    torch_layer = torch_twin.module(layer)
    for batch in (x, 2 * x + 1):
        layer(batch)
        torch_layer(torch.tensor(batch))
    for name, tensor in torch_layer.state_dict().items():
        assert np.allclose(layer.state_dict()[name], tensor, rtol=1e-5), name
    assert_same_layer(layer.eval(), x, dtype)


def assert_same_layer(layer, x, dtype):
    torch_layer, torch_x = torch_twin.module(layer), torch.tensor(x, requires_grad=True)
    out, torch_out = layer(x), torch_layer(torch_x)
    assert_same(out, torch_out, dtype)

    grad = np.random.default_rng(2).normal(size=out.shape).astype(dtype)
    torch_out.backward(torch.tensor(grad))
    assert_same(layer.backward(grad), torch_x.grad, dtype)
    assert_same_gradients(layer, torch_layer, dtype)


@dtypes
@pytest.mark.parametrize(**cases.parametrize(cases.LOSSES))
def test_loss(case, dtype):
    loss, (outputs, targets) = case.make(), cases.loss_inputs(case, dtype)
    torch_outputs = torch.tensor(outputs, requires_grad=True)
    torch_loss = torch_twin.loss(loss).to(torch_outputs.dtype)(torch_outputs, torch.tensor(targets))
    assert loss(outputs, targets) == pytest.approx(torch_loss.item(), rel=TOLERANCE[dtype])
    torch_loss.backward()
    assert_same(loss.backward(), torch_outputs.grad, dtype)


@dtypes
@pytest.mark.parametrize(**cases.parametrize(cases.OPTIMIZERS))
def test_ten_optimizer_steps(case, dtype):
    model = nn.mlp((7, 6, 3)).to(dtype)
    torch_model, loss = torch_twin.module(model), nn.CrossEntropyLoss()
    optimizer = case.make(model.parameters())
    torch_optimizer = torch_twin.optimizer(optimizer, torch_model.parameters())
    rng = np.random.default_rng(3)
    tolerance = {np.float64: 1e-9, np.float32: 2e-5}[dtype]  # ten steps' rounding
    for _ in range(10):
        x, labels = rng.normal(size=(6, 7)).astype(dtype), rng.integers(0, 3, 6)
        loss(model.forward(x), labels)
        model.backward(loss.backward(), input_grad=False)
        torch_optimizer.zero_grad()
        torch.nn.functional.cross_entropy(
            torch_model(torch.tensor(x)), torch.tensor(labels)
        ).backward()
        optimizer.step()
        torch_optimizer.step()
        for name, parameter in torch_model.state_dict().items():
            ours, theirs = model.state_dict()[name], parameter.numpy()
            assert np.abs(ours - theirs).max() <= tolerance * np.abs(theirs).max()


@pytest.mark.parametrize(("schedule", "name", "arguments"), cases.SCHEDULES, ids=str)
def test_schedule(schedule, name, arguments):
    if name is None:
        return  # not in PyTorch: see test_schedules.py
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=1.0)
    theirs = getattr(torch.optim.lr_scheduler, name)(optimizer, **arguments)
    for step in range(cases.STEPS):
        assert schedule(step, cases.STEPS) == pytest.approx(theirs.get_last_lr()[0], abs=1e-9)
        optimizer.step()
        theirs.step()


def test_the_twin_has_its_own_copy_of_the_weights():
    model = nn.Linear(3, 2)
    torch_model = torch_twin.module(model)
    before = torch_model.weight.detach().clone()
    model.weight.data += 1
    assert torch.equal(torch_model.weight, before)


def test_state_goes_both_ways():
    model = nn.mlp((5, 4, 3))
    torch_model = torch.nn.Sequential(torch.nn.Linear(5, 4), torch.nn.ReLU(), torch.nn.Linear(4, 3))
    model.load_state_dict({k: v.numpy() for k, v in torch_model.state_dict().items()})
    x = np.random.default_rng(0).normal(size=(2, 5)).astype(np.float32)
    assert_same(model(x), torch_model(torch.tensor(x)), np.float32)


@pytest.mark.parametrize(("fan_in", "fan_out"), [(784, 512), (30, 20)])
def test_the_default_start_has_torchs_distribution(fan_in, fan_out):
    nn.manual_seed(0)
    torch.manual_seed(0)
    ours, theirs = nn.Linear(fan_in, fan_out), torch.nn.Linear(fan_in, fan_out)
    for name in ("weight", "bias"):
        a = getattr(ours, name).data
        b = getattr(theirs, name).detach().numpy()
        assert np.abs(a).max() <= 1 / np.sqrt(fan_in)
        assert a.std() == pytest.approx(b.std(), rel=0.3 if name == "bias" else 0.08)
