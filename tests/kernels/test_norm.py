"""The kernels of the norm family against their references; `out` may be an input."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from np_nn import reference
from tests.support.kernels import (
    check,
    counts,
    empty,
    extension,
    in_place,
    normal,
    provided,
    refused,
    seeds,
    sizes,
    some,
)

pytestmark = pytest.mark.kernel_independent
norm = extension("norm")
PROVIDED = ["batch_norm_apply", "batch_norm_backward", "batch_norm_forward",
            "batch_norm_relu_backward", "batch_norm_relu_forward", "layer_norm_backward",
            "layer_norm_forward"]  # fmt: skip
TOLERANCE = 2e-6


def same(name, *arguments, tolerance=TOLERANCE):
    check(name, *arguments, tolerance=tolerance)


def test_every_kernel_has_a_test_here():
    assert provided(norm) == PROVIDED


def positive(rng, *shape):
    return rng.uniform(0.5, 1.5, shape).astype(np.float32)


def check_batch_norm(seed, *shape):
    rng, width = np.random.default_rng(seed), shape[1]
    x, grad, y = (normal(rng, *shape) for _ in range(3))
    weight, bias, mean = (normal(rng, width) for _ in range(3))
    variance, out, vector = positive(rng, width), empty(*shape), empty(width)
    forward = [x, weight, bias, 0.01, out, vector, vector.copy()]
    backward = [x, weight, mean, variance, 1e-5, vector, vector.copy(), out]
    for name, given_ in (("batch_norm", [grad]), ("batch_norm_relu", [grad, y])):
        same(f"{name}_forward", *forward, tolerance=1e-5)
        in_place(f"{name}_forward", forward, [0], 4)
        same(f"{name}_backward", *given_, *backward, tolerance=1e-5)
        places = range(len(given_) + 1)
        in_place(f"{name}_backward", [*given_, *backward], places, len(given_) + 7)
    same("batch_norm_apply", x, weight, bias, 1e-5, mean, variance, out)
    same("batch_norm_apply", x, weight, bias, 1e-5, mean, variance, x)


@some
@given(counts, st.one_of(sizes, st.sampled_from([63, 64, 65, 255, 256, 257, 1200])), seeds)
def test_batch_norm(count, width, seed):
    check_batch_norm(seed, count, width)


SIDES = st.tuples(*[st.sampled_from([1, 2, 3, 4, 7, 13, 28])] * 2)
LARGE = [(3, 2, 40, 70), (2, 3, 1, 1025), (40, 3, 5, 5), (1, 1, 64, 32), (5, 40, 2, 2)]


@some
@given(st.one_of(
    st.tuples(st.sampled_from([1, 2, 3, 9, 31]), st.sampled_from([1, 2, 3, 16, 17])),
    st.sampled_from([(2, 3), (1, 20)]),
), SIDES, st.sampled_from([None, *LARGE]), seeds)  # fmt: skip
def test_batch_norm_of_images(counts, sides, shape, seed):
    shape = shape or (*counts, *sides)
    check_batch_norm(seed, *shape)


@some
@given(counts, st.one_of(sizes, st.sampled_from([1023, 1024, 1025, 2500])), seeds)
def test_layer_norm(count, width, seed):
    rng = np.random.default_rng(seed)
    x, grad, normalised = (normal(rng, count, width) for _ in range(3))
    weight, bias, deviation = normal(rng, width), normal(rng, width), positive(rng, count)
    out, vector = empty(count, width), empty(width)
    forward = [x, weight, bias, 0.01, out, empty(count, width), empty(count)]
    same("layer_norm_forward", *forward, tolerance=1e-5)
    in_place("layer_norm_forward", forward, [0], 4)
    in_place("layer_norm_forward", forward, [0], 5)
    backward = [grad, normalised, weight, deviation, vector, vector.copy(), out]
    same("layer_norm_backward", *backward, tolerance=1e-5)
    in_place("layer_norm_backward", backward, [0, 1], 6)


def test_norms_in_place_are_those_of_the_reference():
    rng = np.random.default_rng(0)
    x, weight, bias, vector = normal(rng, 33, 40), normal(rng, 40), normal(rng, 40), empty(40)
    same("batch_norm_forward", x, weight, bias, 0.01, x, vector, vector.copy())
    same("layer_norm_backward", x, normal(rng, 33, 40), weight, positive(rng, 33), vector,
         vector.copy(), x)  # fmt: skip


def test_norms_of_empty_batches():
    rng = np.random.default_rng(0)
    x, weight, bias, variance = empty(0, 20), normal(rng, 20), normal(rng, 20), positive(rng, 20)
    same("batch_norm_apply", x, weight, bias, 0.01, bias, variance, empty(0, 20))
    images = empty(0, 20, 3, 3)
    same("batch_norm_apply", images, weight, bias, 0.01, bias, variance, images.copy())
    same("layer_norm_forward", x, weight, bias, 0.01, empty(0, 20), empty(0, 20), empty(0))
    same("layer_norm_backward", x, x.copy(), weight, empty(0), empty(20), empty(20), empty(0, 20))


@pytest.mark.parametrize(("count", "width"), [(60_000, 18), (40, 30_000)])
def test_sums_of_many_numbers_are_accurate(count, width):
    """A mean far from 0 and many terms, against float64: plain sums in float32 would fail."""
    rng = np.random.default_rng(0)
    x = normal(rng, count, width) + np.float32(30)
    grad = normal(rng, count, width) + np.float32(1)
    weight, bias = positive(rng, width), normal(rng, width)
    matrix = (count, width)
    for name, results in {
        "batch_norm": (matrix, width, width), "layer_norm": (matrix, matrix, count),
    }.items():  # fmt: skip
        got, want = [np.empty(r, np.float32) for r in results], [np.empty(r) for r in results]
        getattr(norm, f"{name}_forward")(x, weight, bias, 1e-5, *got, 2)
        exact = [array.astype(float) for array in (x, weight, bias)]
        getattr(reference, f"{name}_forward")(*exact, 1e-5, *want)
        for g, w in zip(got, want, strict=True):
            assert np.abs(g - w).max() <= 5e-6 * np.abs(w).max()
    normalised, mean = (x - 30) / np.float32(1.5), np.full(width, 30, np.float32)
    for name, arguments, eps in (
        ("batch_norm", [grad, x, weight, mean, positive(rng, width)], [1e-5]),
        ("layer_norm", [grad, normalised, weight, positive(rng, count)], []),
    ):
        exact, results = [array.astype(float) for array in arguments], (width, width, matrix)
        got, want = [np.empty(r, np.float32) for r in results], [np.empty(r) for r in results]
        getattr(norm, f"{name}_backward")(*arguments, *eps, *got, 2)
        getattr(reference, f"{name}_backward")(*exact, *eps, *want)
        for g, w in zip(got, want, strict=True):
            assert np.abs(g - w).max() <= TOLERANCE * np.abs(w).max()


@pytest.mark.parametrize("shape", [(300, 3, 17, 19), (2, 2, 300, 301)])
def test_sums_of_many_pixels_are_accurate(shape):
    """A mean far from 0, against float64."""
    rng = np.random.default_rng(0)
    width = shape[1]
    x, grad = normal(rng, *shape) + np.float32(30), normal(rng, *shape) + np.float32(1)
    arguments = x, positive(rng, width), normal(rng, width)
    results = shape, width, width
    got, want = [np.empty(r, np.float32) for r in results], [np.empty(r) for r in results]
    norm.batch_norm_forward(*arguments, 1e-5, *got, 2)
    reference.batch_norm_forward(*(a.astype(float) for a in arguments), 1e-5, *want)
    for g, w in zip(got, want, strict=True):
        assert np.abs(g - w).max() <= 5e-6 * np.abs(w).max()
    arguments = grad, x, arguments[1], np.full(width, 30, np.float32), positive(rng, width)
    results = width, width, shape
    got, want = [np.empty(r, np.float32) for r in results], [np.empty(r) for r in results]
    norm.batch_norm_backward(*arguments, 1e-5, *got, 2)
    reference.batch_norm_backward(*(a.astype(float) for a in arguments), 1e-5, *want)
    for g, w in zip(got, want, strict=True):
        assert np.abs(g - w).max() <= TOLERANCE * np.abs(w).max()


@pytest.mark.filterwarnings("ignore:.*encountered:RuntimeWarning")
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_batch_norm_of_special_values_spoils_one_channel(value):
    x, v = normal(np.random.default_rng(0), 3, 4, 5, 7), np.ones(4, np.float32)
    x[1, 2, 3, 4] = value
    for name in ("batch_norm_forward", "batch_norm_relu_forward"):
        out, want = empty(*x.shape), empty(*x.shape)
        getattr(norm, name)(x, v, v, 0.1, out, empty(4), empty(4), 2)
        getattr(reference, name)(x, v, v, 0.1, want, empty(4), empty(4))
        np.testing.assert_array_equal(np.isnan(out), np.isnan(want))
        np.testing.assert_allclose(out, want, rtol=0, atol=1e-5)


# ---- Invalid arguments ----------------------------------------------------------------------


def misfits():
    """Return (name, arguments, error message), each with one thing wrong."""
    rng = np.random.default_rng(0)
    x, y, v, n = normal(rng, 4, 6), normal(rng, 4, 6), normal(rng, 6), normal(rng, 4)
    out, more, memory = empty(4, 6), empty(4, 6), normal(rng, 48)
    first, second = memory[:24].reshape(4, 6), memory[6:30].reshape(4, 6)
    frozen = empty(4, 6)
    frozen.flags.writeable = False
    images, result = normal(rng, 2, 3, 4, 5), empty(2, 3, 4, 5)
    three, pixels = normal(rng, 3), normal(rng, 200)
    return [
        ("batch_norm_forward", (x, v, v, 0.1, out, v[:5].copy(), empty(6)), "mean .* fit"),
        ("batch_norm_forward", (x, n, v, 0.1, out, empty(6), empty(6)), "weight .* fit"),
        ("batch_norm_forward", (x, v, v, 0.1, out, v, empty(6)), "share memory"),
        ("batch_norm_forward", (first, v, v, 0.1, second, empty(6), empty(6)), "share memory"),
        ("batch_norm_forward", (x, v, v, 0.1, frozen, empty(6), empty(6)), "read-only"),
        ("batch_norm_relu_forward", (x, v, v, 0.1, empty(6, 4), empty(6), empty(6)), "out .* fit"),
        ("batch_norm_forward", (empty(0, 6), v, v, 0.1, empty(0, 6), empty(6), empty(6)),
         "at least one sample"),
        ("batch_norm_backward", (x, y, v, v, v, 0.1, empty(6), empty(5), out), "bias_grad .* fit"),
        ("batch_norm_backward", (x, y[:3], v, v, v, 0.1, v, empty(6), out), "x .* fit"),
        ("batch_norm_backward", (x, y, v, v, v, 0.1, v, empty(6), out), "share memory"),
        ("batch_norm_relu_backward", (x, y, first, v, v, v, 0.1, empty(6), empty(6), second),
         "share memory"),
        ("batch_norm_relu_backward", (x, y[:3], y, v, v, v, 0.1, empty(6), empty(6), out),
         "y .* fit"),
        ("batch_norm_backward", (empty(0, 6), empty(0, 6), v, v, v, 0.1, empty(6), empty(6),
                                 empty(0, 6)), "at least one sample"),
        ("batch_norm_apply", (x, v, v, 0.1, v, n, out), "variance .* fit"),
        ("batch_norm_apply", (x, v, v, 0.1, v, v.astype(float), out), "variance must be .*float32"),
        ("batch_norm_apply", (first, v, v, 0.1, v, v, second), "share memory"),
        ("batch_norm_forward", (images, three, three, 0.1, result[:, :, :2].copy(), empty(3),
                                empty(3)), "out .* fit"),
        ("batch_norm_forward", (images, three, v, 0.1, result, empty(3), empty(3)), "bias .* fit"),
        ("batch_norm_forward", (images[0], three, three, 0.1, result[0], empty(3), empty(3)),
         "x must be .* 2 dimensions"),
        ("batch_norm_forward", (images, three, three, 0.1, out, empty(3), empty(3)),
         "out must be .* 4 dimensions"),
        ("batch_norm_forward", (empty(2, 3, 0, 4), three, three, 0.1, empty(2, 3, 0, 4), empty(3),
                                empty(3)), "at least one sample"),
        ("batch_norm_backward", (images, images[:, :, ::2], three, three, three, 0.1, empty(3),
                                 empty(3), result), "contiguous"),
        ("batch_norm_apply", (images, three, three, 0.1, three, three, result[..., :4].copy()),
         "out .* fit"),
        ("batch_norm_apply", (pixels[:120].reshape(2, 3, 4, 5), three, three, 0.1, three, three,
                              pixels[80:].reshape(2, 3, 4, 5)), "share memory"),
        ("layer_norm_forward", (images, three, three, 0.1, result, images.copy(), empty(2)),
         "2 dimensions"),
        ("layer_norm_forward", (x, v, v, 0.1, out, more, empty(6)), "deviation .* fit"),
        ("layer_norm_forward", (x, v, v, 0.1, out, out, empty(4)), "share memory"),
        ("layer_norm_forward", (empty(4, 0), empty(0), empty(0), 0.1, empty(4, 0), empty(4, 0),
                                empty(4)), "at least one unit"),
        ("layer_norm_backward", (x, y, v, n, empty(6), empty(6), empty(6, 4)), "out .* fit"),
        ("layer_norm_backward", (x, y, v, v, empty(6), empty(6), out), "deviation .* fit"),
        ("layer_norm_backward", (x, y, v, n, (same_ := empty(6)), same_, out), "share memory"),
    ]  # fmt: skip


MISFITS = misfits()


@pytest.mark.parametrize("case", MISFITS, ids=[f"{n}-{m}" for n, _, m in MISFITS])
def test_what_does_not_fit_is_an_error_and_changes_nothing(case):
    name, arguments, message = case
    refused(name, dict(enumerate(arguments)), message)


# ---- Threads and work space -------------------------------------------------------------------


def test_two_shapes_after_another_give_the_same():
    """The contents of work space left by a larger call change nothing."""
    rng = np.random.default_rng(0)
    small, large = normal(rng, 5, 7), normal(rng, 300, 130)
    results = []
    for x in (small, large, small):
        width = x.shape[1]
        out, vector = empty(*x.shape), empty(width)
        norm.batch_norm_forward(x, np.ones(width, np.float32), np.zeros(width, np.float32), 1e-5,
                                out, vector, vector.copy(), 2)  # fmt: skip
        results.append(out.tobytes())
    assert results[0] == results[2]
