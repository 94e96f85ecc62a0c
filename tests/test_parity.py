"""Each layer, loss and optimizer against PyTorch, from the same weights and inputs."""

import cases
import numpy as np
import pytest

import np_nn as nn

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
from np_nn import twin  # noqa: E402 (it imports torch, which may be absent)

# Relative to the largest value of the array; float32 leaves 2^-24 per operation.
TOLERANCE = {np.float64: 1e-9, np.float32: 2e-6}

dtypes = pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=["float64", "float32"])


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
    torch_layer, torch_x = twin.module(layer), torch.tensor(x, requires_grad=True)
    out, torch_out = layer(x), torch_layer(torch_x)
    assert_same(out, torch_out, dtype)

    grad = np.random.default_rng(2).normal(size=out.shape).astype(dtype)
    torch_out.backward(torch.tensor(grad))
    assert_same(layer.backward(grad), torch_x.grad, dtype)
    assert_same_gradients(layer, torch_layer, dtype)


@dtypes
@pytest.mark.parametrize(**cases.parametrize(cases.LOSSES))
def test_loss(case, dtype):
    loss, logits = case.make(), 10 * case.inputs(dtype)
    labels = np.random.default_rng(2).integers(0, logits.shape[1], len(logits))
    torch_logits = torch.tensor(logits, requires_grad=True)
    torch_loss = twin.loss(loss)(torch_logits, torch.tensor(labels))
    assert loss(logits, labels) == pytest.approx(torch_loss.item(), rel=TOLERANCE[dtype])
    torch_loss.backward()
    assert_same(loss.backward(), torch_logits.grad, dtype)


@dtypes
@pytest.mark.parametrize(**cases.parametrize(cases.OPTIMIZERS))
def test_ten_optimizer_steps(case, dtype):
    model = nn.mlp((7, 6, 3)).to(dtype)
    torch_model, loss = twin.module(model), nn.CrossEntropyLoss()
    optimizer = case.make(model.parameters())
    torch_optimizer = twin.optimizer(optimizer, torch_model.parameters())
    rng = np.random.default_rng(3)
    for _ in range(10):
        x, labels = rng.normal(size=(6, 7)).astype(dtype), rng.integers(0, 3, 6)
        loss(model.forward(x), labels)
        model.backward(loss.backward(), input_grad=False)
        torch_optimizer.zero_grad()
        torch.nn.functional.cross_entropy(
            torch_model(torch.tensor(x)), torch.tensor(labels)
        ).backward()
        assert_same_gradients(model, torch_model, dtype)
        optimizer.step()
        torch_optimizer.step()
        for name, parameter in torch_model.state_dict().items():
            assert_same(model.state_dict()[name], parameter, dtype)


def test_the_twin_has_its_own_copy_of_the_weights():
    model = nn.Linear(3, 2)
    torch_model = twin.module(model)
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
    ours, theirs = nn.Linear(fan_in, fan_out), torch.nn.Linear(fan_in, fan_out)
    for name in ("weight", "bias"):
        a = getattr(ours, name).data
        b = getattr(theirs, name).detach().numpy()
        assert np.abs(a).max() <= 1 / np.sqrt(fan_in)
        assert a.std() == pytest.approx(b.std(), rel=0.3 if name == "bias" else 0.08)
