"""A user's subclass keeps its own forward everywhere, or is refused by name."""

import numpy as np
import pytest

import np_nn as nn
from np_nn.training import fusion, steps
from np_nn.training.inputs import choose


class Doubled(nn.Linear):
    """A layer: y = 2 (x W + b)."""

    def forward(self, x):
        return 2 * super().forward(x)

    def backward(self, grad, input_grad=True):
        return super().backward(2 * grad, input_grad)


class MyReLU(nn.ReLU):
    """A layer: y = 2 max(x, 0)."""

    def forward(self, x):
        return 2 * super().forward(x)

    def backward(self, grad, input_grad=True):
        return super().backward(2 * grad, input_grad)


class MyNorm(nn.BatchNorm1d):
    def forward(self, x):
        return 2 * super().forward(x)

    def backward(self, grad, input_grad=True):
        return super().backward(2 * grad, input_grad)


class Halves(nn.Sequential):
    """Layers in sequence, applied to x / 2."""

    def forward(self, x):
        return super().forward(x / 2)

    def backward(self, grad, input_grad=True):
        inner = super().backward(grad, input_grad)
        return inner if inner is None else inner / 2


class Renamed(nn.Sequential):
    """A subclass that changes only the name."""


class MyLoss(nn.MSELoss):
    def forward(self, outputs, targets):
        return 3 * super().forward(outputs, targets)


class MySGD(nn.SGD):
    def _update(self, p, moments, scratch):
        p.data += 1


OWN = [
    lambda: nn.Sequential(Doubled(784, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 10)),
    lambda: nn.Sequential(nn.Linear(784, 6), MyReLU(), nn.Linear(6, 10)),
    lambda: nn.Sequential(nn.Linear(784, 6), MyNorm(6), nn.ReLU(), nn.Linear(6, 10)),
    lambda: Halves(nn.Linear(784, 6), nn.ReLU(), nn.Linear(6, 10)),
]
IDS = ["Doubled", "MyReLU", "MyNorm", "Halves"]
own = pytest.mark.parametrize(("make", "name"), list(zip(OWN, IDS, strict=True)), ids=IDS)


def images(count=40):
    rng = np.random.default_rng(5)
    pixels = rng.integers(0, 256, (count, 28, 28)) * (rng.random((count, 28, 28)) < 0.2)
    return nn.Split(pixels.astype(np.uint8), rng.integers(0, 10, count))


@own
def test_use_and_training_go_through_its_own_forward(make, name):
    """Compared with the plain loop, which has no fusing, folding or compiled steps."""
    nn.manual_seed(1)
    model, data = make(), images()
    nn.manual_seed(1)
    textbook, loss = make(), nn.CrossEntropyLoss()
    x = data.images.reshape(len(data), -1).astype(np.float32) / 255
    if isinstance(model[1], nn.BatchNorm1d):
        model[1].running_mean.data += 1
        textbook[1].running_mean.data += 1
    np.testing.assert_allclose(nn.predict(model, data), textbook.eval()(x), rtol=1e-4, atol=1e-5)

    optimizer = nn.SGD(model.parameters(), lr=0.1)
    nn.fit(model, data, loss, optimizer, steps=3, batch_size=40, quiet=True)
    optimizer = nn.SGD(textbook.train().parameters(), lr=0.1)
    for _ in range(3):
        loss(textbook.forward(x), data.labels)
        textbook.backward(loss.backward(), input_grad=False)
        optimizer.step()
    for ours, theirs in zip(model.parameters(), textbook.parameters(), strict=True):
        np.testing.assert_allclose(ours.data, theirs.data, rtol=1e-4, atol=1e-5)


@own
def test_fusing_and_folding_leave_it_as_it_is(make, name):
    model = make()
    for rewritten in (fusion.fuse(model), fusion.fold(model)):
        kinds = [type(module).__name__ for module in rewritten.modules()]
        assert name in kinds


@own
def test_onnx_refuses_it_by_name(make, name, tmp_path):
    pytest.importorskip("onnx", reason="onnx is not installed")
    with pytest.raises(nn.NpNNError, match=rf"{name}\(.*cannot be written as ONNX"):
        nn.export_onnx(make(), tmp_path / "a.onnx", (784,))


@own
def test_the_twin_refuses_it_by_name(make, name):
    pytest.importorskip("torch", reason="PyTorch is not installed")
    from np_nn import torch_twin

    with pytest.raises(nn.NpNNError, match=f"^{name} has no counterpart in PyTorch"):
        torch_twin.module(make())


def test_the_twin_refuses_a_loss_and_an_optimizer_of_the_users_own():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    from np_nn import torch_twin

    with pytest.raises(nn.NpNNError, match=r"^MyLoss has no counterpart in PyTorch"):
        torch_twin.loss(MyLoss())
    optimizer = MySGD(nn.Linear(2, 2).parameters())
    with pytest.raises(nn.NpNNError, match=r"^MySGD has no counterpart in PyTorch"):
        torch_twin.optimizer(optimizer, [torch.zeros(1)])


def test_a_sequential_of_another_name_is_a_sequential(tmp_path):
    model = Renamed(nn.Linear(4, 3), nn.ReLU())
    trace = nn.trace(model, np.ones(4, np.float32), 1, nn.CrossEntropyLoss())
    np.testing.assert_allclose(trace.stages[-1].output, model(np.ones((1, 4), np.float32))[0])
    pytest.importorskip("onnx", reason="onnx is not installed")
    nn.export_onnx(model, tmp_path / "a.onnx", (4,))


def test_only_the_layers_of_a_true_chain_can_be_followed():
    model = Halves(nn.Linear(4, 3), nn.ReLU())
    with pytest.raises(nn.NpNNError, match="trace needs a Sequential"):
        nn.trace(model, np.ones(4, np.float32), 1, nn.CrossEntropyLoss())


def test_compiled_steps_leave_a_loss_of_the_users_own_to_its_forward():
    model, data = nn.mlp((784, 6, 10)), images()
    feed = choose(data, model, "sparse")
    optimizer = nn.SGD(model.parameters())
    kind = type(steps.build(model, feed, np.zeros((40, 10), np.float32), MyLoss(), optimizer))
    assert kind is steps.LayerSteps
    kind = type(
        steps.build(model, feed, data.labels, nn.CrossEntropyLoss(), MySGD(model.parameters()))
    )
    assert kind is steps.LayerSteps
