"""The kernels of the pooling family against their references.

Maxima and their positions have the same bits, averages agree up to rounding.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from np_nn import reference
from np_nn.reference import windows
from tests.support.kernels import (
    check,
    duplicate,
    empty,
    extension,
    frozen,
    normal,
    overlapping,
    provided,
    refused,
    seeds,
    some,
    wrong_arrays,
    wrong_pairs,
)

pytestmark = pytest.mark.kernel_independent
pooling = extension("pooling")
PROVIDED = ["adaptive_avg_pool2d_backward", "adaptive_avg_pool2d_forward", "avg_pool2d_backward",
            "avg_pool2d_forward", "max_pool2d_backward", "max_pool2d_forward"]  # fmt: skip


def same(name, *arguments, tolerance=2e-6):
    check(name, *arguments, tolerance=tolerance)


def test_every_kernel_has_a_test_here():
    assert provided(pooling) == PROVIDED


# ---- Against the reference ------------------------------------------------------------------

counts = st.tuples(st.sampled_from([1, 2, 5]), st.sampled_from([1, 3, 16, 33]))
sides = st.sampled_from([0, 1, 2, 3, 11, 12, 15, 30])


@st.composite
def sizes(draw):
    """Draw (shape of x, kernel, stride, padding) that fit together."""
    kernel, stride, padding = draw(st.sampled_from([
        ((2, 2), (2, 2), (0, 0)), ((3, 3), (2, 2), (1, 1)), ((3, 3), (3, 3), (0, 0)), None,
    ])) or (
        draw(st.tuples(st.integers(1, 9), st.integers(1, 9))),
        draw(st.tuples(st.integers(1, 5), st.integers(1, 5))),
        draw(st.tuples(st.sampled_from([0, 1, 4, 11]), st.sampled_from([0, 1, 4, 11]))),
    )  # fmt: skip
    least = [max(1, k - 2 * p) for k, p in zip(kernel, padding, strict=True)]
    image = [size + draw(sides) for size in least]
    return (*draw(counts), *image), kernel, stride, padding


def places(shape, *geometry):
    return (*shape[:2], *windows.sizes(shape[2:], *geometry))


@some
@given(sizes(), st.booleans(), seeds)
def test_pooling(sizes, whole, seed):
    rng = np.random.default_rng(seed)
    shape, *geometry = sizes
    x, size = normal(rng, *shape), places(*sizes)
    x = np.round(x) if whole else x  # many equal values
    grad, out, where = normal(rng, *size), empty(*size), np.full(size, 9, np.uint8)
    same("max_pool2d_forward", x, *geometry, out, where, tolerance=0)
    reference.max_pool2d_forward(x, *geometry, out, where)
    same("max_pool2d_backward", grad, where, *geometry, empty(*shape))
    same("avg_pool2d_forward", x, *geometry, out)
    same("avg_pool2d_backward", grad, *geometry, empty(*shape))


@pytest.mark.parametrize("shape", [(8, 32, 24, 24), (20, 16, 28, 28), (3, 5, 23, 37)])
def test_networks_layers(shape):
    rng = np.random.default_rng(0)
    geometry = (2, 2), (2, 2), (0, 0)
    size = places(shape, *geometry)
    x, grad, out = normal(rng, *shape), normal(rng, *size), empty(*size)
    where = rng.integers(0, 4, size, np.uint8)
    same("max_pool2d_forward", x, *geometry, out, where, tolerance=0)
    same("max_pool2d_backward", grad, where, *geometry, empty(*shape), tolerance=0)
    same("avg_pool2d_forward", x, *geometry, out)
    same("avg_pool2d_backward", grad, *geometry, empty(*shape))


@pytest.mark.parametrize("kernel", [(16, 16), (1, 256), (50, 5)])
def test_large_windows(kernel):
    rng = np.random.default_rng(0)
    x, geometry = normal(rng, 1, 3, 60, 257), (kernel, (3, 7), (0, 0))
    size = places(x.shape, *geometry)
    out, where = empty(*size), np.zeros(size, np.uint8)
    same("max_pool2d_forward", x, *geometry, out, where, tolerance=0)
    reference.max_pool2d_forward(x, *geometry, out, where)
    same("max_pool2d_backward", normal(rng, *size), where, *geometry, empty(*x.shape))


def test_averages_of_whole_images():
    rng = np.random.default_rng(0)
    for shape in ((64, 16, 7, 7), (2, 3, 100, 101), (1, 1, 1, 1), (5, 3, 2, 3)):
        x, out, geometry = normal(rng, *shape), empty(*shape[:2], 1, 1), (shape[2:], (1, 1), (0, 0))
        same("avg_pool2d_forward", x, *geometry, out)
        same("avg_pool2d_backward", normal(rng, *out.shape), *geometry, x)
        same("adaptive_avg_pool2d_forward", x, out)
        same("adaptive_avg_pool2d_backward", normal(rng, *out.shape), x)


def test_an_average_of_many_numbers_is_accurate():
    x = normal(np.random.default_rng(0), 2, 2, 500, 501) + np.float32(10)
    got = pooling.adaptive_avg_pool2d_forward(x, empty(2, 2, 1, 1), 2)
    np.testing.assert_allclose(got[..., 0, 0], x.mean((2, 3), dtype=float), rtol=2e-7)


@some
@given(counts, st.tuples(*[st.sampled_from([1, 2, 5, 7, 16, 33])] * 4), seeds)
def test_adaptive_pooling(counts, sides, seed):
    """The output may be smaller or larger than the image."""
    rng = np.random.default_rng(seed)
    shape, size = (*counts, *sides[:2]), (*counts, *sides[2:])
    same("adaptive_avg_pool2d_forward", normal(rng, *shape), empty(*size))
    same("adaptive_avg_pool2d_backward", normal(rng, *size), empty(*shape))


@pytest.mark.parametrize("shape", [(0, 3, 4, 4), (3, 0, 4, 4)])
def test_no_image(shape):
    geometry, out = ((2, 2), (2, 2), (0, 0)), empty(*shape[:2], 2, 2)
    where = np.zeros(out.shape, np.uint8)
    same("max_pool2d_forward", empty(*shape), *geometry, out, where)
    same("max_pool2d_backward", out, where, *geometry, empty(*shape))
    same("avg_pool2d_forward", empty(*shape), *geometry, out)
    same("avg_pool2d_backward", out, *geometry, empty(*shape))
    same("adaptive_avg_pool2d_forward", empty(*shape), out)
    same("adaptive_avg_pool2d_backward", out, empty(*shape))


# ---- NaN and infinity -----------------------------------------------------------------------


@pytest.mark.parametrize("geometry", [((2, 2), (2, 2), (0, 0)), ((3, 3), (2, 1), (1, 1)),
                                      ((3, 2), (3, 3), (0, 1))])  # fmt: skip
def test_the_largest_of_what_is_no_number(geometry):
    rng = np.random.default_rng(0)
    x = rng.choice(np.float32([np.nan, np.inf, -np.inf, 0, -0.0, 1]), (3, 2, 21, 37))
    x[0] = -np.inf  # equal to the padding
    size = places(x.shape, *geometry)
    same("max_pool2d_forward", x, *geometry, empty(*size), np.zeros(size, np.uint8), tolerance=0)


@pytest.mark.filterwarnings("ignore:.*encountered:RuntimeWarning")
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_averages_of_what_is_no_number(value):
    x = normal(np.random.default_rng(0), 3, 2, 21, 37)
    x[1, 0, 7, 17] = value
    for geometry in (
        ((2, 2), (2, 2), (0, 0)),
        ((3, 3), (2, 1), (1, 1)),
        ((21, 37), (1, 1), (0, 0)),
    ):
        size = places(x.shape, *geometry)
        same("avg_pool2d_forward", x, *geometry, empty(*size))


# ---- Invalid arguments ----------------------------------------------------------------------


def good():
    """Return valid arguments, by kernel and by name."""
    rng = np.random.default_rng(0)
    x, out, where = (
        normal(rng, 2, 3, 6, 5),
        normal(rng, 2, 3, 2, 2),
        np.zeros((2, 3, 2, 2), np.uint8),
    )
    geometry = {"kernel": (3, 2), "stride": (3, 2), "padding": (0, 0)}
    return {
        "max_pool2d_forward": {"x": x, **geometry, "out": out, "where": where},
        "max_pool2d_backward": {"grad": out, "where": where, **geometry, "out": x},
        "avg_pool2d_forward": {"x": x, **geometry, "out": out},
        "avg_pool2d_backward": {"grad": out, **geometry, "out": x},
        "adaptive_avg_pool2d_forward": {"x": x, "out": out},
        "adaptive_avg_pool2d_backward": {"grad": out, "out": x},
    }


def written(name):
    return ("out", "where") if name == "max_pool2d_forward" else ("out",)


@pytest.mark.parametrize("name", PROVIDED)
def test_what_does_not_fit_is_an_error_and_changes_nothing(name):
    arguments = good()[name]
    getattr(pooling, name)(*(duplicate(list(arguments.values()))), 2)
    for key, value in arguments.items():
        if isinstance(value, np.ndarray):
            cases = [*wrong_arrays(value), (None, "must be .* got NoneType")]
            if name.startswith("adaptive"):  # any width is valid
                cases = [case for case in cases if case[0] is None or np.shape(case[0]) != (
                    *value.shape[:3], value.shape[3] + 2)]  # fmt: skip
            if key in written(name):
                cases += [(frozen(value), "read-only")]
        else:
            cases = [(wrong, key) for wrong in wrong_pairs(key)]
            cases += [((7, 6), "fit"), ((2**24, 2**24), "fit|too large")]
        for wrong, message in cases:
            refused(name, arguments | {key: wrong}, message)


@pytest.mark.parametrize("name", PROVIDED)
def test_what_is_written_is_apart_or_does_not_fit(name):
    arguments = good()[name]
    for out in written(name):
        for other, value in arguments.items():
            if other != out and isinstance(value, np.ndarray):
                for pair in ((out, other), (other, out)):
                    refused(name, overlapping(arguments, *pair), "memory")


def test_places_outside_of_a_window_do_not_fit():
    arguments = good()["max_pool2d_backward"]
    arguments["where"][1, 2, 1, 0] = 6
    refused("max_pool2d_backward", arguments, "places outside of a window of 3 x 2")
    arguments = good()["max_pool2d_forward"] | {"kernel": (1, 257), "stride": (1, 1)}
    arguments |= {"x": empty(1, 1, 1, 257), "out": empty(1, 1, 1, 1),
                  "where": np.zeros((1, 1, 1, 1), np.uint8)}  # fmt: skip
    refused("max_pool2d_forward", arguments, "256 places")


# ---- Threads --------------------------------------------------------------------------------
