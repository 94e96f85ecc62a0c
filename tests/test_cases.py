"""Nothing public goes untested: each layer, loss, optimizer and kernel has its row or its spec."""

import inspect

import cases

import np_nn as nn
from np_nn import layers, losses, ops, optim


def public_classes(module):
    return {
        value
        for value in vars(module).values()
        if inspect.isclass(value) and value.__module__.startswith(module.__name__)
    }


def test_every_layer_has_a_row():
    assert public_classes(layers) == {case.kind for case in cases.LAYERS}


def test_every_loss_has_a_row():
    assert public_classes(losses) == {case.kind for case in cases.LOSSES}


def test_every_optimizer_has_a_row():
    assert public_classes(optim) - {optim.Optimizer} == {case.kind for case in cases.OPTIMIZERS}
    assert set(optim.OPTIMIZERS.values()) == {case.kind for case in cases.OPTIMIZERS}


def test_every_class_is_exported_and_documented():
    for kind in {case.kind for case in cases.LAYERS + cases.LOSSES + cases.OPTIMIZERS}:
        assert kind.__name__ in nn.__all__
        assert inspect.getdoc(kind)


def test_every_kernel_has_a_reference_of_the_same_name():
    assert ops.KERNELS.keys() <= ops.REFERENCE.keys()
