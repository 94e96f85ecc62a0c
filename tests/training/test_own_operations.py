"""Functions of the user in the place of operations: layers and training really run them."""

import math
import types
from contextlib import suppress

import numpy as np
import pytest

import np_nn as nn
from np_nn import ops, reference
from np_nn.training import fusion
from tests.support import kernels

DATA = nn.Split(
    np.random.default_rng(0).integers(0, 256, (40, 1, 8, 8), np.uint8) // 200 * 255,
    np.arange(40) % 3, 1 / 255,
)  # fmt: skip


def counted(name):
    """Return a function that computes the reference's, and a list with an entry per call of it."""
    calls, function = [], getattr(reference, name)

    def own(*arguments):
        calls.append(name)
        return function(*arguments)

    return own, calls


def perceptron():
    nn.manual_seed(0)
    return nn.Sequential(nn.Linear(64, 5), nn.BatchNorm1d(5), nn.ReLU(), nn.Linear(5, 3))


def small():
    nn.manual_seed(0)
    return nn.mlp((64, 5, 3))


def convolutional():
    nn.manual_seed(0)
    block = nn.Sequential(nn.Conv2d(2, 2, 3, padding=1))
    return nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(2), nn.BatchNorm2d(2), nn.ReLU(),
        nn.Residual(block), nn.ReLU(), nn.Flatten(), nn.Linear(18, 3),
    )  # fmt: skip


def fitted(make, **options):
    model = make()
    optimizer = nn.SGD(model.parameters(), 0.1, momentum=0.9)
    history = nn.fit(
        model, DATA, nn.CrossEntropyLoss(), optimizer, steps=3, batch_size=8, seed=1, quiet=True,
        **options,
    )  # fmt: skip
    return history.loss, nn.evaluate(model, DATA).loss


RUN = {
    perceptron: (
        "linear_forward", "linear_backward_weight", "linear_backward_bias", "relu_forward",
        "linear_backward_input", "relu_backward", "batch_norm_forward", "batch_norm_relu_forward",
        "batch_norm_backward", "batch_norm_track", "batch_norm_apply", "log_softmax_forward",
        "cross_entropy_forward", "cross_entropy_backward", "cross_entropy", "sgd_step",
        "sparse_linear_forward", "sparse_linear_backward_weight", "compress", "expand",
    ),
    small: ("mlp_steps",),
    convolutional: (
        "conv2d_forward", "conv2d_backward_weight", "conv2d_backward_bias", "conv2d_backward_input",
        "relu_forward", "relu_backward", "max_pool2d_forward", "max_pool2d_backward", "add",
        "add_relu", "batch_norm_relu_backward", "gather",
        "conv_relu_pool_forward", "conv_relu_pool_backward",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("make", "name"), [(m, n) for m, names in RUN.items() for n in names])
def test_training_runs_the_users_function(make, name, monkeypatch):
    expected, expected_test = fitted(make)
    monkeypatch.delitem(vars(DATA), "rows", raising=False)  # the compressed rows are kept
    own, calls = counted(name)
    with nn.use({name: own}):
        losses, test = fitted(make)
        assert calls
        assert ops.describe().endswith(f", own {name}")
    np.testing.assert_allclose(losses, expected, rtol=1e-4)
    assert test == pytest.approx(expected_test, rel=1e-3)
    calls.clear()
    fitted(make)
    assert not calls


def test_every_operation_runs_the_users_function():
    for name in ops.REFERENCE:
        with nn.use({name: lambda *arguments: "own"}):
            assert getattr(ops, name)() == "own"


def test_an_operation_that_contains_a_replaced_one_calls_it():
    x = np.zeros((2, 3), np.float32)
    for name in ("silu_forward", "sigmoid_forward"):
        own, calls = counted("sigmoid_forward")
        with nn.use({"sigmoid_forward": own}):
            getattr(ops, name)(x, x.copy())
            assert calls


def test_replaced_operations_are_in_no_fused_layer():
    model = convolutional()
    for name, kind in (("relu_backward", fusion.ConvReluPool), ("add", fusion.ResidualRelu)):
        with nn.use({name: counted(name)[0]}):
            kinds = {type(layer) for layer in fusion.fuse(model)}
            assert kind not in kinds
            assert (fusion.NormRelu in kinds) == (bool(ops.active) and name == "add")


def test_blocks_are_nested_and_end_with_exceptions():
    first, second = counted("add")[0], counted("add")[0]
    before, active = dict(ops.own), ops.active
    with nn.use({"add": first}):
        with suppress(KeyError), nn.use({"add": second, "add_relu": first}):
            assert ops.own == before | {"add": second, "add_relu": first}
            raise KeyError
        assert ops.own == before | {"add": first}
        with nn.use("numpy"):
            assert ops.own == before | {"add": first}
            assert not ops.active
        with nn.use({"add": None}):
            assert "add" not in ops.own
    assert (ops.own, ops.active) == (before, active)


def test_for_good_until_it_is_closed():
    before = dict(ops.own)
    replaced = nn.use({"add": counted("add")[0]})
    nn.use("auto")
    assert "add" in ops.own
    replaced.close()
    assert ops.own == before


def test_a_module_replaces_the_operations_that_it_defines():
    module = types.ModuleType("my_ops")
    exec("from np_nn.reference import *\nfrom np_nn.ops import add_relu", vars(module))
    with pytest.raises(nn.NpNNError, match="my_ops defines no operation"):
        nn.use(module)
    exec("def add(x, skip, out, threads): return threads", vars(module))
    with nn.use(module):
        assert ops.own.keys() == {"add"}
        with ops.at_most(3):
            assert ops.add(1, 2, 3) == 3


@pytest.mark.skipif(not ops.KERNELS, reason="the kernels are not built")
def test_a_compiled_module_replaces_operations():
    from np_nn._kernels import pointwise

    x = np.ones((2, 3), np.float32)
    with nn.use("numpy"), nn.use(pointwise):
        assert ops.own.keys() >= {"relu_forward", "relu_backward"}
        assert ops.relu_forward(x, np.empty_like(x)).sum() == 6


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"relu_backwards": len}, "unknown operation 'relu_backwards'; did you mean 'relu_back"),
        ({"add": 3}, "add must be a function, got 3"),
        ({"add": lambda x, out: x},
         r"add must take \(x, skip, out\), got a function of \(x, out\)"),
        ({"add": lambda x, skip, *, out: x}, r"got a function of \(x, skip\)"),
        ({"add": lambda skip, x, out: x}, r"got a function of \(skip, x, out\)"),
        (math, "math defines no operation"),
        ("nump", "use: unknown kernels 'nump'; did you mean 'numpy'"),
    ],
)  # fmt: skip
def test_what_cannot_replace_is_refused_in_one_line(given, line):
    before = ops.own, ops.active
    with pytest.raises(nn.NpNNError, match=line) as error:
        nn.use(given)
    assert str(error.value).isprintable()
    assert (ops.own, ops.active) == before


@pytest.mark.kernel_independent
def test_the_suite_runs_the_functions_of_a_module_that_the_environment_names(tmp_path):
    source = "def relu_backward(grad, y, out):\n    out[...] = 2 * grad * (y > 0)\n    return out\n"
    (tmp_path / "my_ops.py").write_text(source)
    done = kernels.python(
        "-m", "pytest", "-p", "no:cacheprovider", "tests/test_gradients.py", "-k", "relu",
        NP_NN_USE="my_ops", PYTHONPATH=str(tmp_path),
    )  # fmt: skip
    assert done.returncode == 1
    assert "test_layer" in done.stdout
