"""The kernel mlp_steps against its reference; test_mlp.py has the single operations."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from np_nn import ops, reference
from np_nn.reference import Dense, Drop, Norm, Rows
from tests.support.kernels import (
    arrays,
    bytes_of,
    check,
    duplicate,
    empty,
    extension,
    normal,
    pixels,
    seeds,
    sizes,
    some,
)

pytestmark = pytest.mark.kernel_independent
mlp_steps = extension("mlp").mlp_steps
shifts = st.sampled_from([0, 0.01])

# A larger eps than 1e-8 where a rule divides by a root: else the rounding error of a gradient near
# 0 becomes a whole step. Name: the rule, its settings, its number of moments.
RULES = {
    "sgd": ("sgd", (0, 0, False), 0),
    "decay": ("sgd", (0, 0.01, False), 0),
    "momentum": ("sgd", (0.9, 0.01, False), 1),
    "nesterov": ("sgd", (0.9, 0.01, True), 1),
    "adam": ("adam", (0.9, 0.999, 1e-4, 0.01, False, False), 2),
    "adam hat": ("adam", (0.9, 0.999, 1e-4, 0.01, False, True), 2),
    "adamw": ("adam", (0.9, 0.999, 1e-4, 0.1, True, False), 2),
    "adagrad": ("adagrad", (0.1, 0.01, 1e-3), 1),
    "rmsprop": ("rmsprop", (0.9, 1e-3, 0.01, 0, False), 1),
    "centered": ("rmsprop", (0.9, 1e-2, 0, 0, True), 2),
    "rmsprop momentum": ("rmsprop", (0.9, 1e-2, 0, 0.9, False), 2),
    "centered momentum": ("rmsprop", (0.9, 1e-2, 0.01, 0.9, True), 3),
    "adadelta": ("adadelta", (0.9, 1e-3, 0.01), 2),
}
GRADIENT = {"gradient": ("gradient", (), 0)}  # no optimizer: one step, without l2
HIDDEN = ("relu", "sigmoid", "tanh", "scaled_tanh")
LAST = ("identity", *HIDDEN)
LOSSES = (("cross_entropy", 0.0), ("cross_entropy", 0.1), ("mse", 0.01))


def mlp(rule, *widths, batch=33, steps=6, loss=LOSSES[0], seed=0, step=0, bias=True, shift=0.0,
        hidden="relu", last="identity", images=50, l2=0.0, norm=False, drop=0.0):  # fmt: skip
    """Return arguments of mlp_steps: random images, targets and layers of these widths.

    norm, drop: of the hidden layers, which then have no bias: its gradient would be only rounding
    error.
    """
    rng, extras = np.random.default_rng(seed), np.random.default_rng(seed + 1)
    name, settings, moments = (RULES | GRADIENT)[rule]

    def zeros(shape):
        return tuple(np.zeros(shape, np.float32) for _ in range(moments))

    layers = [
        Dense(
            normal(rng, i, o) / np.float32(np.sqrt(i)),
            normal(rng, o) / 10 if bias else None,
            zeros((i, o)),
            zeros(o) if bias else (),
        )
        for i, o in pairwise(widths)
    ]
    for i, o in enumerate(widths[1:-1]):
        if norm:
            scale, offset, mean = 1 + normal(extras, 3, o) / 10
            variance = extras.random(o, np.float32)
            middle = Norm(scale, offset, zeros(o), zeros(o), mean, variance, 0.01, 0.3)
            layers[i] = layers[i]._replace(bias=None, bias_moments=(), norm=middle)
        if drop:
            keys = extras.integers(0, 2**64, steps, np.uint64)
            layers[i] = layers[i]._replace(drop=Drop(drop, keys))
    rows, classes = reference.compress(pixels(rng, images, widths[0])), widths[-1]
    labels = rng.integers(0, classes, images)
    targets = rng.random((images, classes), np.float32) if loss[0] == "mse" else labels
    batches, rates = rng.integers(0, images, (steps, batch)), rng.uniform(0.01, 0.1, steps)
    return [
        rows, targets, batches, 1 / 255, shift, layers, [hidden] * (len(layers) - 1) + [last],
        loss, name, rates / (1 if name == "sgd" else 20), step, settings, l2,
    ]  # fmt: skip


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("widths", [(60, 10), (60, 37, 10), (64, 130, 17, 10)], ids=str)
@pytest.mark.parametrize("loss", LOSSES, ids=str)
def test_mlp_steps(rule, widths, loss):
    check("mlp_steps", *mlp(rule, *widths, loss=loss))


@pytest.mark.parametrize("hidden", HIDDEN)
@pytest.mark.parametrize("last", LAST)
@pytest.mark.parametrize("loss", LOSSES[1:], ids=str)
@pytest.mark.parametrize("batch", [1, 5, 33])
def test_mlp_steps_with_every_activation(hidden, last, loss, batch):
    check("mlp_steps", *mlp("momentum", 60, 37, 20, 10, hidden=hidden, last=last, loss=loss,
                            shift=0.01, batch=batch))  # fmt: skip


def test_relu_at_the_end_makes_nan_of_an_infinite_gradient_as_the_reference_does():
    arguments = mlp("sgd", 60, 10, loss=LOSSES[2], last="relu", steps=1, batch=3)
    arguments[1][:] = np.inf  # the targets
    want, got = duplicate(arguments), duplicate(arguments)
    with np.errstate(invalid="ignore"):
        reference.mlp_steps(*want)
    mlp_steps(*got, 1)
    np.testing.assert_array_equal(got[5][0].bias, want[5][0].bias)
    assert np.isnan(got[5][0].bias).any()


BETWEEN = ({"norm": True}, {"drop": 0.3}, {"norm": True, "drop": 0.3})


@pytest.mark.parametrize("hidden", ["relu", "sigmoid"])
def test_mlp_steps_with_a_wide_layer(hidden):
    """Its products are computed in parts of their depth."""
    check("mlp_steps", *mlp("momentum", 60, 37, 1100, 20, 10, batch=70, steps=2, hidden=hidden))


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("widths", [(60, 37, 10), (150, 130, 64, 10)], ids=str)
@pytest.mark.parametrize("hidden", ["relu", "sigmoid", "identity"])
@pytest.mark.parametrize("between", BETWEEN, ids=str)
def test_mlp_steps_with_batch_norm_and_dropout(rule, widths, hidden, between):
    check("mlp_steps", *mlp(rule, *widths, hidden=hidden, **between), tolerance=1e-4)


@pytest.mark.parametrize("batch", [2, 9, 64, 600, 1025])
@pytest.mark.parametrize("between", BETWEEN, ids=str)
@pytest.mark.parametrize("shift", [0.0, 0.01])
def test_mlp_steps_with_batch_norm_and_dropout_for_any_batch(batch, between, shift):
    """Batch norm processes all images at once, dropout alone in chunks."""
    check("mlp_steps", *mlp("momentum", 60, 130, 70, 10, batch=batch, images=300, steps=3,
                            shift=shift, **between), tolerance=1e-4)  # fmt: skip


@pytest.mark.parametrize("widths", [(60, 10), (60, 37, 10), (150, 130, 64, 10)], ids=str)
@pytest.mark.parametrize("batch", [1, 5, 33, 300])
@pytest.mark.parametrize("shift", [0, 0.01])
@pytest.mark.parametrize("loss", LOSSES[1:], ids=str)
def test_gradients_in_place_of_the_parameters(widths, batch, shift, loss):
    for between in ({}, *BETWEEN[batch == 1 :: 1 + (batch == 1)]):
        check("mlp_steps", *mlp("gradient", *widths, batch=batch, shift=shift, loss=loss, steps=1,
                                images=300, **between), tolerance=1e-4)  # fmt: skip


def test_mlp_steps_with_dropout_takes_one_image_at_a_time():
    check("mlp_steps", *mlp("momentum", 60, 37, 10, batch=1, steps=70, drop=0.5), tolerance=1e-4)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("widths", [(60, 10), (150, 100, 37, 10)], ids=str)
@pytest.mark.parametrize("shift", [0.0, 0.01])
@pytest.mark.parametrize("hidden", ["relu", "sigmoid"])
def test_mlp_steps_with_one_image_at_a_time(rule, widths, shift, hidden):
    """More steps than FOLD, over which rounding errors grow."""
    check("mlp_steps", *mlp(rule, *widths, batch=1, steps=70, shift=shift, hidden=hidden),
          tolerance=1e-4)  # fmt: skip


@pytest.mark.parametrize("rule", ["sgd", "momentum", "adagrad"])
@pytest.mark.parametrize("widths", [(40, 21, 10), (40, 130, 70, 10)], ids=str)
@pytest.mark.parametrize("batch", [130, 1024, 1025, 2100])
@pytest.mark.parametrize("shift", [0.0, 0.01])
def test_mlp_steps_takes_a_large_batch_in_chunks(rule, widths, batch, shift):
    check("mlp_steps", *mlp(rule, *widths, batch=batch, steps=3, shift=shift, hidden="sigmoid",
                            images=300))  # fmt: skip


@pytest.mark.parametrize("batch", [17, 200, 300])  # fewer blocks than threads, and several each
@pytest.mark.parametrize("widths", [(60, 10), (60, 7, 3), (60, 56, 3), (60, 100, 30, 10)])
@pytest.mark.parametrize("drop", [0, 0.3])
def test_a_narrow_first_layer_is_shared_by_images_and_by_rows(batch, widths, drop):
    check("mlp_steps", *mlp("adam", *widths, batch=batch, steps=3, images=300, drop=drop))


@some
@given(st.sampled_from(list(RULES)), st.lists(sizes, min_size=2, max_size=4),
       st.sampled_from([1, 2, 9, 64, 130]), st.booleans(), shifts, st.sampled_from(HIDDEN),
       st.sampled_from(LAST), st.sampled_from(LOSSES), seeds)  # fmt: skip
def test_mlp_steps_of_any_shape(rule, widths, batch, bias, shift, hidden, last, loss, seed):
    check("mlp_steps", *mlp(rule, *widths, batch=batch, steps=2, seed=seed, bias=bias, shift=shift,
                            hidden=hidden, last=last, loss=loss))  # fmt: skip


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("between", [{}, *BETWEEN], ids=str)
@pytest.mark.parametrize("batch", [1, 33])
@pytest.mark.parametrize("shift", [0.0, 0.01])
def test_two_calls_of_mlp_steps_are_one(rule, between, batch, shift):
    """At batch size 1, all calls but the last must be multiples of FOLD steps."""
    if batch == 1 and "norm" in between:
        return
    cut, steps = (128, 150) if batch == 1 else (2, 6)
    rows, targets, batches, *same, rates, _, settings, l2 = mlp(
        rule, 60, 37, 10, batch=batch, shift=shift, steps=steps, **between)  # fmt: skip
    *pixel, layers, activations, loss, name = same

    def run(layers, part):
        layers = [x._replace(drop=x.drop and x.drop._replace(keys=x.drop.keys[part]))
                  for x in layers]  # fmt: skip
        return mlp_steps(
            rows, targets, batches[part], *pixel, layers, activations, loss, name, rates[part],
            part.start, settings, l2, 2)  # fmt: skip

    once = duplicate(layers)
    losses, correct = run(once, slice(0, steps))
    parts = [run(layers, part) for part in (slice(0, cut), slice(cut, steps))]
    assert bytes_of(layers) == bytes_of(once)
    assert np.concatenate([p[0] for p in parts]).tobytes() == losses.tobytes()
    assert np.concatenate([p[1] for p in parts]).tobytes() == correct.tobytes()


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("batch", [1, 33, 1025])
@pytest.mark.parametrize("shift", [0.0, 0.01])
def test_mlp_steps_with_l2_on_weights_only(rule, batch, shift):
    arguments = mlp(rule, 40, 21, 10, batch=batch, steps=3, shift=shift, l2=0.1)
    check("mlp_steps", *arguments)
    without = duplicate(arguments)[:-1]
    l2 = duplicate(arguments)
    mlp_steps(*without, 0.0, 2)
    mlp_steps(*l2, 2)
    assert not np.array_equal(l2[5][0].weight, without[5][0].weight)


def test_mlp_steps_of_no_steps_changes_nothing():
    check("mlp_steps", *mlp("momentum", 60, 37, 10, steps=0))


def test_mlp_steps_goes_on_counting():
    check("mlp_steps", *mlp("adam", 60, 37, 10, step=1000))


def test_mlp_steps_is_the_layers_in_a_loop():
    """Also against float64 over 30 steps: only rounding differs."""
    arguments = mlp("nesterov", 200, 70, 10, batch=64, steps=30)
    exact = duplicate(arguments)
    exact[5] = [
        Dense(w.astype(float), b.astype(float), (m.astype(float),), (n.astype(float),))
        for w, b, (m,), (n,), _, _ in exact[5]
    ]
    losses, correct = mlp_steps(*arguments, 2)
    want, right = reference.mlp_steps(*exact)
    np.testing.assert_allclose(losses, want, rtol=1e-5)
    assert np.abs(correct - right).max() <= 1
    assert losses[-1] < losses[0]


# ---- Zeros after ReLU and dropout ------------------------------------------------------------


def one_layer_at_a_time(arguments):
    """Take one step of SGD with the dense kernels, which skip no zeros; arguments of mlp_steps."""
    rows, labels, batches, scale, shift, layers, _, loss, _, rates, *_ = arguments
    (index,), k = batches, ops.KERNELS
    x, outputs = (rows, index, scale, shift), []
    for i, layer in enumerate(layers):
        name = "linear_forward" if i else "sparse_linear_forward"
        z = k[name](*x, layer.weight, layer.bias, empty(len(index), layer.bias.size), 1)
        x = (reference.relu_forward(z, z.copy()),)
        outputs += x
    k["cross_entropy"](z, labels[index], loss[1], z, 1)
    for i in range(len(layers) - 1, -1, -1):
        weight, bias, grad = layers[i].weight, layers[i].bias, z
        if i:
            z = k["linear_backward_input"](grad, weight, empty(len(index), weight.shape[0]), 1)
            z[~(outputs[i - 1] > 0)] = 0
            x, name = (outputs[i - 1],), "linear_backward_weight"
        else:
            x, name = (rows, index, scale, shift), "sparse_linear_backward_weight"
        dw = k[name](*x, grad, empty(*weight.shape), 1)
        db = k["linear_backward_bias"](grad, empty(*bias.shape), 1)
        for parameter, slope in (weight, dw), (bias, db):
            k["sgd_step"](parameter, slope, None, slope, rates[0], 0, 0, False, 1)


@pytest.mark.parametrize("lift", [-2, -0.3, 0, 0.3, 2])  # on biases: sets how many units are 0
@pytest.mark.parametrize("batch", [16, 40, 130, 300])
def test_skipping_zeros_changes_no_bit(lift, batch):
    arguments = mlp("sgd", 60, 129, 200, 65, 10, steps=1, batch=batch)
    for layer in arguments[5]:
        layer.bias[:] += np.float32(lift)
    want, got = duplicate(arguments), duplicate(arguments)
    one_layer_at_a_time(want)
    mlp_steps(*got, 1)
    assert bytes_of(got) == bytes_of(want)
    assert bytes_of(got) != bytes_of(arguments)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("place", [(100, 70), (-1, -1)])
def test_a_zero_times_what_is_not_finite_is_nan(value, place):
    """NaN is not skipped either: as in the dense product and in NumPy."""
    for spoilt in ("weight", "bias"):
        arguments = mlp("sgd", 60, 129, 200, 10, steps=1, batch=130)
        silent, dense = arguments[5][0].bias, arguments[5][1].weight
        silent[place[0]] = -1e6 if spoilt == "weight" else value
        if spoilt == "weight":
            dense[place] = value  # its input is 0 for all images
        want = duplicate(arguments)
        one_layer_at_a_time(want)
        losses, _ = mlp_steps(*arguments, 2)
        assert np.isnan(losses).all()
        for got, wanted in zip(arrays(arguments), arrays(want), strict=True):
            np.testing.assert_array_equal(got, wanted)


# ---- Invalid arguments -----------------------------------------------------------------------


def misfits():
    """Yield (arguments, error message), with one thing wrong in each."""

    def change(place, value, **kind):
        arguments = mlp("momentum", 60, 37, 10, **kind)
        arguments[place] = value(arguments[place]) if callable(value) else value
        return arguments

    def layer(**changes):
        return change(5, lambda layers: [layers[0]._replace(**changes), layers[1]])

    def squared(targets):
        arguments = change(7, ("mse", 1.0))
        arguments[1] = targets
        return arguments

    def spoil(array, value):
        array = array.copy()
        array.flat[5] = value
        return array

    def norm(**changes):
        first, second = mlp("momentum", 60, 37, 10, norm=True)[5]
        return change(5, [first._replace(norm=first.norm._replace(**changes)), second])

    keys = np.arange(6, dtype=np.uint64)
    shared = normal(np.random.default_rng(0), 60, 37)
    return [
        (change(0, lambda r: Rows(r.indptr, r.columns, r.values[1:], r.width)), "fit"),
        (change(1, lambda labels: labels + 1), r"labels must be 0\.\.9, got 10"),
        (change(1, lambda labels: labels[1:]), "fit"),
        (change(2, lambda batches: spoil(batches, 50)), r"0\.\.49, got 50"),
        (change(2, lambda batches: spoil(batches, -1)), r"0\.\.49, got -1"),
        (change(2, np.zeros((6, 0), np.int64)), "at least one image"),
        (change(2, np.zeros(6, np.int64)), "batches must be"),
        (change(5, []), "1 to 32 layers, got 0"),
        (change(5, lambda layers: layers[::-1]), "weight of layer 0"),
        (change(5, lambda layers: layers[:1] * 33), "1 to 32 layers, got 33"),
        (change(5, [(1, 2), (3, 4)]), "layer 0 must be a Dense"),
        (layer(weight=np.zeros((60, 37))), "weight of layer 0 .*float32"),
        (layer(weight=np.zeros((37, 60), np.float32).T), "contiguous"),
        (layer(bias=empty(36)), "bias of layer 0"),
        (layer(weight_moments=()), "weight of layer 0 needs 1 moment"),
        (layer(bias_moments=(empty(36),)), "moment 0 of bias of layer 0"),
        (layer(weight=shared, weight_moments=(shared,)), "shares an array"),
        (change(8, "rmsprpo"), "rule must be"),
        (change(6, ["relu"]), "2 layers need 2 activations, got 1"),
        (change(6, ["relu", "relo"]), "activation 1 must be one of .*'relo'"),
        (change(7, ("mae", 1)), "loss must be 'cross_entropy' or 'mse', got 'mae'"),
        (change(7, "mse"), "loss must be a name"),
        (change(7, ("mse", 1)), "targets must be"),
        (squared(np.zeros((50, 9), np.float32)), "fit"),
        (squared(np.zeros((49, 10), np.float32)), "fit"),
        (squared(np.zeros((50, 10))), "targets must be .*float32"),
        (change(9, np.zeros(5)), "fit"),
        (norm(weight=empty(36)), "norm weight of layer 0"),
        (norm(bias_moments=()), "norm bias of layer 0 needs 1 moment"),
        (norm(running_mean=empty(36)), "running mean and variance of layer 0"),
        (norm(running_var=np.zeros(37)), "running variance of layer 0 .*float32"),
        (norm(running_mean=(same := empty(37)), running_var=same), "shares an array"),
        (norm(eps=-1.0), "out of range"),
        (norm(momentum=1.5), "out of range"),
        (layer(norm=(1, 2)), "norm of layer 0 must be a Norm"),
        (change(2, np.zeros((6, 1), np.int64), norm=True), "at least two images"),
        (layer(drop=0.5), "drop of layer 0 must be a Drop"),
        (layer(drop=Drop(1.0, keys)), "p must be at least 0 and below 1"),
        (layer(drop=Drop(0.5, keys[:5])), "layer 0 has 5 keys for 6 steps"),
        (layer(drop=Drop(0.5, keys.astype(np.int64))), "keys of layer 0 .*uint64"),
        (change(5, lambda layers: [layers[0], layers[1]._replace(drop=Drop(0.5, keys))]),
         "last layer must have no norm and no drop"),
    ]  # fmt: skip


MISFITS = misfits()


@pytest.mark.parametrize("case", MISFITS, ids=[message for _, message in MISFITS])
def test_what_does_not_fit_is_an_error_and_changes_nothing(case):
    arguments, message = case
    before = bytes_of(list(arguments))
    with pytest.raises(ValueError, match=message):
        mlp_steps(*arguments, 2)
    assert bytes_of(list(arguments)) == before
