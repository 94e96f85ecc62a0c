"""Every public layer, loss, optimizer and kernel has a row or a spec."""

import inspect
import re
from pathlib import Path

import pytest

import np_nn as nn
from np_nn import layers, losses, models, ops, optim
from np_nn.data.augmentation import AUGMENTATIONS
from np_nn.layers import initializers
from np_nn.models import parts
from np_nn.optim import schedules
from tests import cases

pytestmark = pytest.mark.kernel_independent

BASES = {
    optim.Optimizer,
    losses.Loss,
    losses.ClassLoss,
    losses.ValueLoss,
    schedules.Schedule,
}


def public_classes(module):
    return {
        value
        for value in vars(module).values()
        if inspect.isclass(value) and value.__module__.startswith(module.__name__)
    } - BASES


def test_every_layer_has_a_row():
    assert public_classes(layers) == {case.kind for case in cases.LAYERS}


def test_every_loss_has_a_row():
    assert public_classes(losses) == {case.kind for case in cases.LOSSES}
    assert set(losses.LOSSES.values()) == {case.kind for case in cases.LOSSES}


def test_every_optimizer_has_a_row():
    assert public_classes(optim) == {case.kind for case in cases.OPTIMIZERS}
    assert set(optim.OPTIMIZERS.values()) == {case.kind for case in cases.OPTIMIZERS}


def test_every_schedule_has_a_row():
    assert public_classes(schedules) == {type(schedule) for schedule, *_ in cases.SCHEDULES}
    assert set(schedules.SCHEDULES.values()) == public_classes(schedules)


def test_every_public_name_has_a_row_or_is_named_in_a_test():
    rows = {case.kind.__name__ for case in cases.LAYERS + cases.LOSSES + cases.OPTIMIZERS}
    rows |= {type(schedule).__name__ for schedule, *_ in cases.SCHEDULES}
    tests = "\n".join(path.read_text("utf-8") for path in Path(__file__).parent.rglob("test_*.py"))
    missing = [name for name in nn.__all__ if not re.search(rf"\b{name}\b", tests)]
    assert set(missing) <= rows


def test_every_public_name_is_documented():
    for name in nn.__all__:
        value = getattr(nn, name)
        if callable(value):
            text = inspect.getdoc(value)
            assert text
            assert not text.startswith(f"{name}("), f"{name} has only a dataclass's own signature"


def test_every_layer_with_a_role_has_a_name_of_its_own():
    with_role = [layer for layer in public_classes(layers) if layer.role]
    assert {*models.OUTPUTS.values(), *models.NORMS.values()} == {*with_role, None}
    assert models.ACTIVATIONS.items() <= models.OUTPUTS.items()


def test_a_subclass_inherits_neither_the_name_nor_the_operator(tmp_path, monkeypatch):
    class Doubled(nn.ReLU):
        def forward(self, x):
            return 2 * super().forward(x)

    monkeypatch.setattr(layers, "Doubled", Doubled, raising=False)
    monkeypatch.setattr(layers, "__all__", [*layers.__all__, "Doubled"])
    assert parts._named("activation") == models.ACTIVATIONS
    pytest.importorskip("onnx", reason="onnx is not installed")
    with pytest.raises(nn.NpNNError, match=r"Doubled\(\) cannot be written as ONNX"):
        nn.export_onnx(Doubled(), tmp_path / "model.onnx", (5,))


def test_every_named_start_and_distortion_is_one_of_its_own():
    assert len(initializers.INITIALISERS) == len(set(initializers.INITIALISERS.values()))
    assert set(AUGMENTATIONS.values()) == {nn.Shift, nn.Affine, nn.Elastic}


def test_every_kernel_has_a_reference_of_the_same_name():
    assert ops.KERNELS.keys() <= ops.REFERENCE.keys()


def test_every_reference_is_an_operation_with_its_docstring():
    for name, function in ops.REFERENCE.items():
        operation = getattr(ops, name)
        assert (operation.__name__, operation.__doc__) == (name, function.__doc__)
        assert f"\n{name} = operation(reference.{name})\n" in inspect.getsource(ops)
        assert inspect.signature(operation) == inspect.signature(function)
