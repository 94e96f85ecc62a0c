"""The kernels of the mlp family against their references; test_mlp_steps.py has mlp_steps."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from np_nn import reference
from np_nn.reference import Rows
from tests.support.kernels import (
    COUNTS,
    SIZES,
    check,
    counts,
    empty,
    extension,
    normal,
    pixels,
    provided,
    refused,
    seeds,
    sizes,
    some,
)

pytestmark = pytest.mark.kernel_independent
mlp = extension("mlp")
shifts = st.sampled_from([0, 0.01])


# ---- Single kernels -------------------------------------------------------------------------


def test_every_kernel_has_a_test_here():
    """Or in test_mlp_steps.py."""
    assert provided(mlp) == [
        "adadelta_step", "adagrad_step", "adam_step", "compress", "cross_entropy", "gather",
        "linear_backward_bias", "linear_backward_input", "linear_backward_weight",
        "linear_forward", "mlp_steps", "rmsprop_step", "sgd_step",
        "sparse_linear_backward_weight", "sparse_linear_forward",
    ]  # fmt: skip


@some
@given(counts, sizes, st.sampled_from([np.uint8, np.float32]), st.sampled_from([1, 1 / 255]),
       shifts, seeds)  # fmt: skip
def test_gather(count, width, dtype, scale, shift, seed):
    rng = np.random.default_rng(seed)
    images = pixels(rng, 20, width).astype(dtype)
    check("gather", images, rng.integers(0, 20, count), scale, shift,
          empty(count, width))  # fmt: skip


@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.uint8, np.uint64])
def test_gather_takes_any_integers_and_images_of_any_shape(dtype):
    rng = np.random.default_rng(0)
    images = pixels(rng, 60, 35).reshape(60, 5, 7)
    check("gather", images, np.arange(7, dtype=dtype) * 3, 0.5, -1, empty(7, 5, 7))


@some
@given(counts, sizes, sizes, st.booleans(), seeds)
def test_linear(count, inputs, outputs, bias, seed):
    rng = np.random.default_rng(seed)
    x, grad = normal(rng, count, inputs), normal(rng, count, outputs)
    weight = normal(rng, inputs, outputs)
    b = normal(rng, outputs) if bias else None
    check("linear_forward", x, weight, b, empty(count, outputs))
    check("linear_backward_weight", x, grad, empty(inputs, outputs))
    check("linear_backward_bias", grad, empty(outputs))
    check("linear_backward_input", grad, weight, empty(count, inputs))


@pytest.mark.parametrize("shape", [(128, 33, 65), (512, 20, 70), (1100, 513, 7)], ids=str)
@pytest.mark.parametrize("shift", [0.0, -0.5])
def test_the_weights_gradient_of_a_large_batch(shape, shift):
    """It is added up over chunks of the batch, whose inputs are transposed first."""
    rng, (count, inputs, outputs) = np.random.default_rng(0), shape
    x, grad = normal(rng, count, inputs), normal(rng, count, outputs)
    check("linear_backward_weight", x, grad, empty(inputs, outputs))
    rows, indices = mlp.compress(pixels(rng, 20, inputs), 1), rng.integers(0, 20, count)
    check("sparse_linear_backward_weight", rows, indices, 1 / 255, shift, grad,
          empty(inputs, outputs))  # fmt: skip


@pytest.mark.parametrize("outputs", [3, 75, 130])
def test_a_deep_product_has_the_bits_of_each_row_alone(outputs):
    """With many rows it is computed in parts of its depth, and with very many in parts of them."""
    rng = np.random.default_rng(0)
    x, weight, bias = normal(rng, 300, 1100), normal(rng, 1100, outputs), normal(rng, outputs)
    check("linear_forward", x, weight, bias, empty(300, outputs))
    check("linear_backward_input", x, normal(rng, outputs, 1100), empty(300, outputs))
    together = mlp.linear_forward(x, weight, bias, empty(300, outputs), 1)
    alone = [mlp.linear_forward(row[None], weight, bias, empty(1, outputs), 1)[0] for row in x]
    np.testing.assert_array_equal(together, alone)


def test_linear_takes_an_empty_batch():
    rng = np.random.default_rng(0)
    x, weight, grad = empty(0, 20), normal(rng, 20, 30), empty(0, 30)
    check("linear_forward", x, weight, None, empty(0, 30))
    check("linear_backward_weight", x, grad, empty(20, 30))
    check("linear_backward_bias", grad, empty(30))
    check("linear_backward_input", grad, weight, empty(0, 20))


@some
@given(counts, sizes, st.sampled_from([0.0, 0.1, 1.0]), st.sampled_from([0.01, 1, 30]), seeds)
def test_cross_entropy(count, classes, smoothing, size, seed):
    rng = np.random.default_rng(seed)
    logits, labels = normal(rng, count, classes) * np.float32(size), rng.integers(0, classes, count)
    check("cross_entropy", logits, labels, smoothing, empty(count, classes))
    check("cross_entropy", logits, labels.astype(np.uint16), smoothing, logits)


def test_cross_entropy_of_a_diverged_network_is_nan():
    logits = np.zeros((20, 10), np.float32)
    logits[3, 4] = np.nan
    assert np.isnan(mlp.cross_entropy(logits, np.zeros(20, np.int64), 0.0, logits.copy(), 2))


SHAPES = [(1,), (0,), (15,), (17, 33), (2, 3, 5, 7), (70_001,)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("decay", [0, 0.01])
@pytest.mark.parametrize(("momentum", "nesterov"), [(0, False), (0.9, False), (0.9, True)])
def test_sgd_step(shape, decay, momentum, nesterov):
    rng = np.random.default_rng(0)
    weight, grad, velocity = (normal(rng, *shape) for _ in range(3))
    check("sgd_step", weight, grad, velocity if momentum else None, empty(*shape),
          0.1, momentum, decay, nesterov)  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("decay", [0, 0.01])
@pytest.mark.parametrize("step", [1, 1000])
def test_adagrad_step(shape, decay, step):
    rng = np.random.default_rng(0)
    weight, grad, total = (normal(rng, *shape) for _ in range(3))
    check("adagrad_step", weight, grad, total**2, empty(2, *shape), step, 0.1, 0.01, decay, 1e-8)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("decay", [0, 0.01])
@pytest.mark.parametrize("momentum", [0, 0.9])
@pytest.mark.parametrize("centered", [False, True])
def test_rmsprop_step(shape, decay, momentum, centered):
    rng = np.random.default_rng(0)
    weight, grad, average, velocity = (normal(rng, *shape) for _ in range(4))
    square = average**2 + normal(rng, *shape) ** 2 + np.float32(0.1)
    check("rmsprop_step", weight, grad, square, average if centered else None,
          velocity if momentum else None, empty(2, *shape), 0.1, 0.9, 1e-3, decay, momentum,
          centered)  # fmt: skip


def test_a_variance_of_rmsprop_is_not_negative():
    """Without a bound, rounding makes it negative for a constant gradient, and the root NaN."""
    grad = np.linspace(0.1, 1, 1000, dtype=np.float32)
    weight, square, average = np.zeros(1000, np.float32), grad**2 * np.float32(1 - 1e-6), grad
    for step in (reference.rmsprop_step, lambda *a: mlp.rmsprop_step(*a, 1)):
        moved = weight.copy()
        step(moved, grad, square.copy(), average.copy(), None, empty(2, 1000), 0.1, 0.99, 1e-8, 0,
             0, True)  # fmt: skip
        assert np.isfinite(moved).all()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("decay", [0, 0.01])
def test_adadelta_step(shape, decay):
    rng = np.random.default_rng(0)
    weight, grad, square, delta = (normal(rng, *shape) for _ in range(4))
    check("adadelta_step", weight, grad, square**2, delta**2, empty(2, *shape), 1.0, 0.9, 1e-6,
          decay)  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("decay", "decoupled"), [(0, False), (0.1, False), (0.1, True)])
@pytest.mark.parametrize("step", [1, 1000])
@pytest.mark.parametrize(("eps", "eps_hat"), [(1e-8, False), (1e-2, True)])
def test_adam_step(shape, decay, decoupled, step, eps, eps_hat):
    rng = np.random.default_rng(0)
    weight, grad, mean = (normal(rng, *shape) for _ in range(3))
    check("adam_step", weight, grad, mean, normal(rng, *shape) ** 2, empty(2, *shape),
          step, 0.01, 0.9, 0.999, eps, decay, decoupled, eps_hat)  # fmt: skip


@some
@given(st.sampled_from([0, *COUNTS]), st.sampled_from([*SIZES, 1500]), seeds)
def test_compress(count, width, seed):
    check("compress", pixels(np.random.default_rng(seed), count, width))


def test_compress_takes_the_widest_images():
    check("compress", pixels(np.random.default_rng(0), 3, 65535))


@some
@given(counts, sizes, sizes, st.booleans(), shifts, seeds)
def test_sparse_linear(count, width, outputs, bias, shift, seed):
    rng = np.random.default_rng(seed)
    rows = reference.compress(pixels(rng, 20, width))
    indices, weight = rng.integers(0, 20, count), normal(rng, width, outputs)
    b = normal(rng, outputs) if bias else None
    pixel = 1 / 255, shift
    check("sparse_linear_forward", rows, indices, *pixel, weight, b, empty(count, outputs))
    check("sparse_linear_backward_weight", rows, indices, *pixel, normal(rng, count, outputs),
          empty(width, outputs))  # fmt: skip


@pytest.mark.parametrize("value", [np.inf, np.nan])
def test_the_sparse_layer_multiplies_no_zero(value):
    images = pixels(np.random.default_rng(0), 70, 300)
    rows, lit = mlp.compress(images, 2), images != 0
    weight, grad = np.ones((300, 40), np.float32), np.ones((70, 40), np.float32)
    weight[7], grad[3] = value, value
    common = rows, np.arange(70), 1.0, 0.0
    out = mlp.sparse_linear_forward(*common, weight, None, np.empty_like(grad), 2)
    np.testing.assert_array_equal(out[lit[:, 7]], value)
    assert np.isfinite(out[~lit[:, 7]]).all()
    out = mlp.sparse_linear_backward_weight(*common, grad, np.empty_like(weight), 2)
    np.testing.assert_array_equal(out[lit[3]], value)
    assert np.isfinite(out[~lit[3]]).all()


def test_sparse_linear_takes_black_images_and_none():
    rng = np.random.default_rng(0)
    rows = reference.compress(np.zeros((4, 30), np.uint8))
    for count, shift in product((5, 0), (0, 0.5)):
        indices = np.zeros(count, np.int64)
        check("sparse_linear_forward", rows, indices, 1.0, shift, normal(rng, 30, 17),
              normal(rng, 17), empty(count, 17))  # fmt: skip
        check("sparse_linear_backward_weight", rows, indices, 1.0, shift, normal(rng, count, 17),
              empty(30, 17))  # fmt: skip


# ---- Invalid arguments ----------------------------------------------------------------------


def misfits():
    """Yield (name, arguments, error message), with one thing wrong in each."""
    rng = np.random.default_rng(0)
    x, w, g, y = normal(rng, 4, 6), normal(rng, 6, 3), normal(rng, 4, 3), np.arange(4) % 3
    images = pixels(rng, 9, 6) | 1
    rows = reference.compress(images)
    index = np.arange(4)
    indptr, columns, values, width = rows
    bad_columns = Rows(indptr, columns + np.uint16(3), values, width)
    bad_bounds = Rows(indptr[::-1].copy(), columns, values, width)
    frozen = empty(4, 3)
    frozen.flags.writeable = False

    return [
        ("gather", (images, index + 6, 1.0, 0.0, empty(4, 6)), r"0\.\.8, got 9"),
        ("gather", (images, index - 1, 1.0, 0.0, empty(4, 6)), r"0\.\.8, got -1"),
        ("gather", (images, index > 1, 1.0, 0.0, empty(4, 6)), "integers"),
        ("gather", (images, index, 1.0, 0.0, empty(4, 5)), "fit"),
        ("gather", (images.astype(np.int32), index, 1.0, 0.0, empty(4, 6)), "uint8"),
        ("gather", (images, index, 1.0, 0.0, np.zeros((4, 6))), "out must be .*float32"),
        ("linear_forward", (x, w, None, empty(4, 4)), "fit"),
        ("linear_forward", (x, w, empty(4), empty(4, 3)), "fit"),
        ("linear_forward", (x.astype(float), w, None, empty(4, 3)), "x must be .*float32"),
        ("linear_forward", (x, w[:, ::-1], None, empty(4, 3)), "contiguous"),
        ("linear_forward", (x, w, None, frozen), "read-only"),
        ("linear_forward", (x, "w", None, empty(4, 3)), "weight must be"),
        ("linear_forward", (w.T.copy()[:3, :3].copy(), (a := empty(3, 3)), None, a), "memory"),
        ("linear_backward_weight", (x, g, empty(3, 6)), "fit"),
        ("linear_backward_bias", (g, empty(4)), "fit"),
        ("linear_backward_input", (g, w, empty(4, 5)), "fit"),
        ("cross_entropy", (g, y + 1, 0.0, empty(4, 3)), r"0\.\.2, got 3"),
        ("cross_entropy", (g, y - 1, 0.0, empty(4, 3)), r"0\.\.2, got -1"),
        ("cross_entropy", (g, y[:3], 0.0, empty(4, 3)), "fit"),
        ("cross_entropy", (g, y.astype(float), 0.0, empty(4, 3)), "integers"),
        ("sgd_step", (x, g, None, None, 0.1, 0, 0, False), "one shape"),
        ("sgd_step", (x, x.copy(), None, None, 0.1, 0.9, 0, False), "velocity"),
        ("adam_step",
         (x, x.copy(), empty(4, 6), empty(6, 4), None, 1, 0.1, 0.9, 0.9, 1e-8, 0, 0, 0),
         "one shape"),
        ("adagrad_step", (x, x.copy(), None, None, 1, 0.1, 0, 0, 0), "total must be"),
        ("rmsprop_step", (x, x.copy(), x.copy(), None, None, None, 0.1, 0.9, 0, 0, 0, True),
         "average must be"),
        ("adadelta_step", (x, x.copy(), empty(4, 6), empty(6, 4), None, 1, 0.9, 0, 0),
         "one shape"),
        ("compress", (np.zeros((1, 65536), np.uint8),), "65,535"),
        ("compress", (x,), "uint8"),
        ("sparse_linear_forward", (rows, index + 6, 1.0, 0.0, w, None, empty(4, 3)), r"got 9"),
        ("sparse_linear_forward", (bad_columns, index, 1.0, 0.0, w, None, empty(4, 3)), "columns"),
        ("sparse_linear_forward", (bad_bounds, index, 1.0, 0.0, w, None, empty(4, 3)), "bounds"),
        ("sparse_linear_forward", (rows, index, 1.0, 0.0, x, None, empty(4, 3)), "fit"),
        ("sparse_linear_forward", (images, index, 1.0, 0.0, w, None, empty(4, 3)), "Rows"),
        ("sparse_linear_backward_weight", (rows, index - 1, 1.0, 0.0, g, empty(6, 3)), "got -1"),
        ("sparse_linear_backward_weight", (rows, index, 1.0, 0.0, g, empty(5, 3)), "fit"),
    ]  # fmt: skip


MISFITS = misfits()


@pytest.mark.parametrize("case", MISFITS, ids=[f"{n}-{m}" for n, _, m in MISFITS])
def test_what_does_not_fit_is_an_error_and_changes_nothing(case):
    name, arguments, message = case
    refused(name, dict(enumerate(arguments)), message)
