"""Nothing public goes untested: each layer, loss, optimizer and kernel has its row or its spec."""

import inspect
from pathlib import Path

import np_nn as nn
from np_nn import layers, losses, models, ops, optim
from np_nn.data.augmentation import AUGMENTATIONS
from np_nn.layers import initializers
from np_nn.optim import schedules
from tests import cases

BASES = {
    optim.Optimizer,
    losses.Loss,
    losses.ClassLoss,
    losses.ValueLoss,
    schedules.Schedule,
}
# The trainer's own words, tested all over the suite.
COMMON = {
    "DATASETS", "Buffer", "DataError", "Dataset", "DivergedError", "Evaluation", "History",
    "Module", "NpNNError", "Parameter", "Split", "evaluate", "fit", "initialize", "load",
    "manual_seed", "mlp", "predict", "use",
}  # fmt: skip


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


def test_every_public_name_has_a_row_or_a_test_file():
    rows = {case.kind.__name__ for case in cases.LAYERS + cases.LOSSES + cases.OPTIMIZERS}
    rows |= {type(schedule).__name__ for schedule, *_ in cases.SCHEDULES}
    assert set(nn.__all__) == rows | cases.ELSEWHERE.keys() | COMMON
    for name, file in cases.ELSEWHERE.items():
        assert name in (Path(__file__).parent / file).read_text()


def test_every_public_name_is_documented():
    for name in nn.__all__:
        value = getattr(nn, name)
        if callable(value):
            text = inspect.getdoc(value)
            assert text
            assert not text.startswith(f"{name}("), f"{name} has only a dataclass's own signature"


def test_every_layer_is_reachable_by_name():
    """From recipes and the command line; a Neuron is for reading, the rest for images."""
    named = {*models.ACTIVATIONS.values(), *models.OUTPUTS.values(), *models.NORMS.values()}
    options = {nn.Linear, nn.Dropout, nn.GaussianNoise, nn.Residual, nn.Neuron, nn.Flatten}
    options |= {nn.Conv2d, nn.BatchNorm2d, nn.Dropout2d}
    options |= {nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d}
    assert named - {None} | options == public_classes(layers)
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
