"""The kernels of the convolution family against their references.

Sums of float32 numbers have rounding errors in any order, and a gradient of the weights has up to
100,000 terms: it is compared to within 1e-4 of the largest value, everything else to within 1e-5.
"""

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from np_nn import reference
from np_nn.reference import windows
from tests.support.kernels import (
    bytes_of,
    check,
    close,
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
convolution = extension("convolution")
PROVIDED = ["conv2d_backward_bias", "conv2d_backward_input", "conv2d_backward_weight",
            "conv2d_forward", "conv_relu_pool_backward", "conv_relu_pool_forward"]  # fmt: skip
GEOMETRIC = PROVIDED[1:]  # those with a stride or a padding


def same(name, *arguments, tolerance=1e-5):
    check(name, *arguments, tolerance=tolerance)


def test_every_kernel_has_a_test_here():
    assert provided(convolution) == PROVIDED


# ---- Against the reference ------------------------------------------------------------------


@st.composite
def sizes(draw, strides=(1, 2, 3)):
    """Draw (shape of x, shape of the weight, stride, padding) that fit together."""

    def pair(least, most):
        return draw(st.tuples(*[st.integers(least, most)] * 2))

    count, channels, outputs = (
        draw(st.sampled_from(some_of))
        for some_of in ((1, 2, 3, 5, 9), (1, 2, 3, 4, 5, 11, 16, 20), (1, 3, 8, 16, 17, 33, 40))
    )
    kernel, padding = pair(1, 7), pair(0, draw(st.sampled_from([0, 2, 9])))
    least = [max(1, k - 2 * p) for k, p in zip(kernel, padding, strict=True)]
    image = [size + more for size, more in zip(least, pair(0, 12), strict=True)]
    stride = draw(st.tuples(*[st.sampled_from(strides)] * 2))
    return (count, channels, *image), (outputs, channels, *kernel), stride, padding


shares = st.sampled_from([1, 0.3, 0])  # fractions of nonzeros


def sparse(rng, share, *shape):
    """Return normal numbers, some of them 0, with rows and columns of zeros."""
    x = normal(rng, *shape) * (rng.random(shape) < share)
    if share < 1:
        x[..., :1, :] = x[..., -1:] = 0
    return x.astype(np.float32)


def places(shape, weight, stride, padding, pool=1):
    """Return the shape of a convolution's output."""
    sides = windows.sizes(shape[2:], weight[2:], stride, padding)
    return (shape[0], weight[0], *(side // pool for side in sides))


@some
@given(sizes(), shares, st.booleans(), seeds)
def test_conv2d(sizes, share, biased, seed):
    rng = np.random.default_rng(seed)
    shape, weight_shape, stride, padding = sizes
    x, weight = sparse(rng, share, *shape), normal(rng, *weight_shape)
    bias, out = normal(rng, weight_shape[0]) if biased else None, places(*sizes)
    grad = sparse(rng, share, *out)
    same("conv2d_forward", x, weight, bias, stride, padding, empty(*out))
    same("conv2d_backward_weight", x, grad, stride, padding, empty(*weight_shape), tolerance=1e-4)
    same("conv2d_backward_input", grad, weight, stride, padding, empty(*shape))


@some
@given(sizes(strides=(1,)), st.integers(1, 3), shares, st.booleans(), st.booleans(), seeds)
def test_conv_relu_pool(sizes, pool, share, biased, wanted, seed):
    rng = np.random.default_rng(seed)
    shape, weight_shape, stride, padding = sizes
    shape = (*shape[:2], *(side + pool - 1 for side in shape[2:]))  # at least one window
    x, weight = sparse(rng, share, *shape), normal(rng, *weight_shape)
    bias = normal(rng, weight_shape[0]) if biased else None
    out = empty(*places(shape, weight_shape, stride, padding, pool))
    where = np.full(out.shape, 9, np.uint8) if pool > 1 else None
    stage(x, weight, bias, padding, pool, out, where)
    # the backward pass, with the maxima of the reference
    reference.conv_relu_pool_forward(x, weight, bias, padding, pool, out, where)
    same(
        "conv_relu_pool_backward", x, weight, out, where, sparse(rng, share, *out.shape), padding,
        pool, empty(*weight_shape), empty(weight_shape[0]) if biased else None,
        empty(*shape) if wanted else None, tolerance=1e-4,
    )  # fmt: skip


def stage(x, weight, bias, padding, pool, out, where):
    """Check a stage; its places may differ where two numbers differ by rounding only."""
    results = []
    for threads in (1, 2, 3, 4):
        given_ = duplicate([x, weight, bias, padding, pool, out, where], threads - 1)
        assert convolution.conv_relu_pool_forward(*given_, threads) is given_[5]
        assert bytes_of(given_[:3]) == bytes_of([x, weight, bias])
        results.append(given_[5:])
    assert len({tuple(bytes_of(r)) for r in results}) == 1, "threads change the result"
    want = [out.copy(), None if where is None else where.copy()]
    reference.conv_relu_pool_forward(x, weight, bias, padding, pool, *want)
    got, got_where = results[0]
    close(got, want[0], 1e-5)
    if where is None:
        return
    for function, want_out, more in (
        (convolution.conv_relu_pool_forward, got, [2]),
        (reference.conv_relu_pool_forward, want[0], []),
    ):  # without positions: the same output
        alone = function(x, weight, bias, padding, pool, np.empty_like(out), None, *more)
        assert bytes_of([alone]) == bytes_of([want_out])
    full = np.empty(places(x.shape, weight.shape, (1, 1), padding), np.float32)
    reference.relu_forward(reference.conv2d_forward(x, weight, bias, (1, 1), padding, full), full)
    seen = windows.of(full, (pool, pool), (pool, pool), (0, 0)).reshape(*out.shape, -1)
    at = np.take_along_axis(seen, got_where[..., None].astype(int), -1)[..., 0]
    close(at, want[0], 1e-5)  # one of the maxima
    assert (got_where[want[0] == 0] == 0).all()  # the first one if none is above 0


@pytest.mark.parametrize(
    ("shape", "weight", "padding", "pool"),
    [
        ((64, 1, 28, 28), (32, 1, 5, 5), (0, 0), 2),
        ((64, 16, 12, 12), (32, 16, 5, 5), (2, 2), 2),
        ((5, 3, 70, 66), (6, 3, 66, 64), (0, 0), 2),
        ((3, 40, 9, 9), (100, 40, 3, 3), (1, 1), 4),
        ((6, 256, 4, 4), (256, 256, 3, 3), (1, 1), 1),
        ((2, 2, 33, 33), (3, 2, 2, 2), (0, 0), 16),
        # one channel, in planes: LeNet-5's first layer, and rows longer than a vector
        ((3, 1, 28, 28), (6, 1, 5, 5), (2, 2), 2),
        ((2, 1, 9, 45), (7, 1, 2, 6), (1, 0), 2),
        ((2, 1, 11, 18), (1, 1, 3, 3), (0, 0), 2),
        # one channel without pooling, in rows: ends of rows, of outputs and of images
        ((3, 1, 28, 28), (6, 1, 3, 3), (1, 1), 1),
        ((3, 1, 20, 21), (9, 1, 5, 5), (0, 0), 1),
        ((2, 1, 9, 45), (17, 1, 2, 6), (1, 0), 1),
        ((2, 1, 1, 40), (3, 1, 1, 1), (0, 0), 1),
        # Winograd's tiles: odd sizes, one output, long rows, many channels
        ((3, 32, 7, 9), (16, 32, 3, 3), (1, 1), 1),
        ((5, 16, 3, 3), (33, 16, 3, 3), (0, 0), 1),
        ((1, 16, 5, 140), (16, 16, 3, 3), (1, 1), 2),
        ((2, 144, 6, 5), (128, 144, 3, 3), (2, 2), 1),
        # tiles of several images, and of an incomplete group
        ((6, 16, 7, 7), (16, 16, 3, 3), (1, 1), 1),
        ((3, 5, 6, 6), (16, 5, 3, 3), (1, 1), 1),
    ],
)
def test_networks_layers(shape, weight, padding, pool):
    rng = np.random.default_rng(0)
    x, w = normal(rng, *shape), normal(rng, *weight)
    out = empty(*places(shape, weight, (1, 1), padding, pool))
    where = np.zeros(out.shape, np.uint8) if pool > 1 else None
    stage(x, w, normal(rng, weight[0]), padding, pool, out, where)
    reference.conv_relu_pool_forward(x, w, None, padding, pool, out, where)
    same("conv_relu_pool_backward", x, w, out, where, normal(rng, *out.shape), padding, pool,
         empty(*weight), empty(weight[0]), empty(*shape), tolerance=1e-4)  # fmt: skip


@pytest.mark.parametrize("channels", [16, 64])
def test_winograds_form_is_about_as_accurate_as_sums_of_products(channels):
    """The error depends on the points: with 0, 1, -1, 2, -2 it would be 5 times as large."""
    rng = np.random.default_rng(0)
    x, weight = normal(rng, 8, channels, 14, 14), normal(rng, 16, channels, 3, 3)
    exact = np.empty((8, 16, 14, 14))
    got = convolution.conv2d_forward(x, weight, None, (1, 1), (1, 1), empty(*exact.shape), 2)
    reference.conv2d_forward(x.astype(float), weight.astype(float), None, (1, 1), (1, 1), exact)
    assert np.abs(got - exact).max() < 2.5e-6 * np.abs(exact).max()


@pytest.mark.parametrize(
    ("shape", "weight", "stride"),
    [
        ((3, 16, 9, 8), (32, 16, 3, 3), (2, 2)),  # Winograd, with a remaining row and column
        ((3, 5, 9, 8), (7, 5, 3, 2), (2, 1)),
        ((2, 5, 8, 7), (7, 5, 1, 1), (1, 2)),
        ((2, 5, 9, 9), (7, 5, 3, 3), (3, 2)),  # scattered: too many zeros
    ],
)
def test_the_gradient_of_an_image_at_a_stride(shape, weight, stride):
    rng = np.random.default_rng(0)
    for padding in ((0, 0), (1, 1)) if weight[2] > 1 and weight[3] > 1 else ((0, 0),):
        grad = normal(rng, *places(shape, weight, stride, padding))
        same("conv2d_backward_input", grad, normal(rng, *weight), stride, padding, empty(*shape))


def test_no_image():
    rng = np.random.default_rng(0)
    x, weight, out, where = empty(0, 2, 6, 5), normal(rng, 3, 2, 3, 2), empty(0, 3, 4, 4), None
    same("conv2d_forward", x, weight, None, (1, 1), (0, 0), out)
    same("conv2d_backward_weight", x, out, (1, 1), (0, 0), empty(3, 2, 3, 2))
    same("conv2d_backward_input", out, weight, (1, 1), (0, 0), x)
    out, where = empty(0, 3, 2, 2), np.zeros((0, 3, 2, 2), np.uint8)
    same("conv_relu_pool_forward", x, weight, empty(3), (0, 0), 2, out, where)
    same("conv_relu_pool_backward", x, weight, out, where, out.copy(), (0, 0), 2,
         empty(3, 2, 3, 2), empty(3), x.copy())  # fmt: skip


def test_the_first_of_equals_is_the_largest():
    x, weight = np.ones((2, 1, 8, 40), np.float32), np.ones((20, 1, 1, 1), np.float32)
    out, where = empty(2, 20, 2, 10), np.full((2, 20, 2, 10), 9, np.uint8)
    for value in (1, -1):
        convolution.conv_relu_pool_forward(x * value, weight, None, (0, 0), 4, out, where, 2)
        assert (out == max(0, value)).all()
        assert not where.any()


# ---- NaN and infinity -----------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:.*encountered:RuntimeWarning")
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("channels", [1, 3, 20])
def test_what_is_no_number_stays_in_its_image(value, channels):
    rng = np.random.default_rng(0)
    x, weight = normal(rng, 5, channels, 8, 9), normal(rng, 18, channels, 3, 3)
    x[2, 0, 4, 5] = value
    for pool in (1, 2):
        shape = places(x.shape, weight.shape, (1, 1), (1, 1), pool)
        got, want = empty(*shape), empty(*shape)
        wheres = [np.zeros(shape, np.uint8) if pool > 1 else None for _ in range(2)]
        for module, out, where in zip((convolution, reference), (got, want), wheres, strict=True):
            more = [2] if module is convolution else []
            module.conv_relu_pool_forward(x, weight, None, (1, 1), pool, out, where, *more)
        # where outputs share sums, as in Winograd's tiles, neighbours may be NaN or infinite, too
        assert not np.isfinite(got[~np.isfinite(want)]).any()
        both = np.isfinite(got) & np.isfinite(want)
        assert (~both).sum(axis=(0, 2, 3)).max() <= 16
        np.testing.assert_allclose(got[both], want[both], rtol=1e-4, atol=1e-4)
        if pool > 1 and (np.isnan(got) == np.isnan(want)).all():
            np.testing.assert_array_equal(*(w[np.isnan(want)] for w in wheres))
        grad = normal(rng, *shape)
        gradients = empty(*weight.shape), empty(18), empty(*x.shape)
        convolution.conv_relu_pool_backward(
            x, weight, want, wheres[1], grad, (1, 1), pool, *gradients, 2
        )
        exact = [empty(*g.shape) for g in gradients]
        reference.conv_relu_pool_backward(
            np.nan_to_num(x, posinf=0, neginf=0), weight, want, wheres[1], grad, (1, 1), pool,
            *exact,
        )  # fmt: skip
        np.testing.assert_allclose(gradients[2], exact[2], rtol=0, atol=1e-4)


@pytest.mark.filterwarnings("ignore:.*encountered:RuntimeWarning")
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("stride", [(1, 1), (2, 1)])
def test_a_gradient_that_is_no_number_shows(value, stride):
    """It may spread to more pixels of its image than in the reference, but to no other image."""
    rng = np.random.default_rng(0)
    weight = normal(rng, 18, 3, 3, 3)
    grad = normal(rng, 5, 18, *windows.sizes((8, 9), (3, 3), stride, (1, 1)))
    grad[2, 3, 2, 2] = value
    got, want = empty(5, 3, 8, 9), empty(5, 3, 8, 9)
    convolution.conv2d_backward_input(grad, weight, stride, (1, 1), got, 2)
    reference.conv2d_backward_input(grad, weight, stride, (1, 1), want)
    np.testing.assert_allclose(np.delete(got, 2, 0), np.delete(want, 2, 0), rtol=0, atol=1e-4)
    assert not np.isfinite(got[~np.isfinite(want)]).any()
    x, gradient = normal(rng, 5, 3, 8, 9), empty(18, 3, 3, 3)
    convolution.conv2d_backward_weight(x, grad, stride, (1, 1), gradient, 2)
    assert not np.isfinite(gradient[3]).any()
    assert np.isfinite(np.delete(gradient, 3, 0)).all()


# ---- The bias -------------------------------------------------------------------------------


SIDES = st.tuples(*[st.sampled_from([1, 2, 3, 4, 7, 13, 28])] * 2)
LARGE = [(3, 2, 40, 70), (2, 3, 1, 1025), (40, 3, 5, 5), (1, 1, 64, 32), (5, 40, 2, 2)]


@some
@given(st.one_of(
    st.tuples(st.sampled_from([1, 2, 3, 9, 31]), st.sampled_from([1, 2, 3, 16, 17])),
    st.sampled_from([(2, 3), (1, 20)]),
), SIDES, st.sampled_from([None, *LARGE]), seeds)  # fmt: skip
def test_the_gradient_of_a_bias(counts, sides, shape, seed):
    shape = shape or (*counts, *sides)
    grad = 1 + normal(np.random.default_rng(seed), *shape)  # sums near 0 are only rounding
    same("conv2d_backward_bias", grad, empty(shape[1]))


def test_the_gradient_of_a_bias_without_images():
    same("conv2d_backward_bias", empty(0, 20, 3, 3), empty(20))


@pytest.mark.parametrize("shape", [(300, 3, 17, 19), (2, 2, 300, 301)])
def test_the_gradient_of_a_bias_of_many_pixels_is_accurate(shape):
    grad = normal(np.random.default_rng(0), *shape) + np.float32(30)
    got = convolution.conv2d_backward_bias(grad, empty(shape[1]), 2)
    np.testing.assert_allclose(got, grad.sum((0, 2, 3), dtype=float), rtol=3e-7)


def bias_misfits():
    """Return (arguments, what the error says): one thing wrong in each."""
    rng = np.random.default_rng(0)
    images, numbers = normal(rng, 2, 3, 4, 5), normal(rng, 200)
    return [
        ((images, empty(4)), "fit"),
        ((images, np.empty(3)), "out must be .*float32"),
        ((normal(rng, 4, 6), empty(6)), "4 dimensions"),
        ((numbers[:120].reshape(2, 3, 4, 5), numbers[119:122]), "memory"),
    ]


@pytest.mark.parametrize(("arguments", "message"), bias_misfits())
def test_a_bias_that_does_not_fit_is_an_error_and_changes_nothing(arguments, message):
    refused("conv2d_backward_bias", dict(zip(("grad", "out"), arguments, strict=True)), message)


# ---- Invalid arguments ----------------------------------------------------------------------


def good():
    """Return valid arguments, by kernel and by name."""
    rng = np.random.default_rng(0)
    x, weight, bias = normal(rng, 2, 3, 6, 5), normal(rng, 4, 3, 3, 2), normal(rng, 4)
    out, half, where = empty(2, 4, 4, 4), empty(2, 4, 2, 2), np.zeros((2, 4, 2, 2), np.uint8)
    sides = {"stride": (1, 1), "padding": (0, 0)}
    return {
        "conv2d_forward": {"x": x, "weight": weight, "bias": bias, **sides, "out": out},
        "conv2d_backward_weight": {"x": x, "grad": out, **sides, "out": weight},
        "conv2d_backward_input": {"grad": out, "weight": weight, **sides, "out": x},
        "conv_relu_pool_forward": {"x": x, "weight": weight, "bias": bias, "padding": (0, 0),
                                   "pool": 2, "out": half, "where": where},
        "conv_relu_pool_backward": {
            "x": x, "weight": weight, "out": half, "where": where, "grad": half.copy(),
            "padding": (0, 0), "pool": 2, "weight_grad": empty(4, 3, 3, 2),
            "bias_grad": empty(4), "x_grad": empty(2, 3, 6, 5),
        },
    }  # fmt: skip


WRITTEN = {name: ("out", "where") if name == "conv_relu_pool_forward" else ("out",)
           for name in GEOMETRIC}  # fmt: skip
WRITTEN["conv_relu_pool_backward"] = "weight_grad", "bias_grad", "x_grad"
FREE = "conv_relu_pool_forward", "where"  # None if no gradient is needed


@pytest.mark.parametrize("name", GEOMETRIC)
def test_what_does_not_fit_is_an_error_and_changes_nothing(name):
    arguments = good()[name]
    getattr(convolution, name)(*(duplicate(list(arguments.values()))), 2)
    for key, value in arguments.items():
        if isinstance(value, np.ndarray):
            cases = wrong_arrays(value)
            if key in WRITTEN[name]:
                cases += [(frozen(value), "read-only")]
            if key not in ("bias", "bias_grad", "x_grad") and (name, key) != FREE:
                cases += [(None, "must be .* got NoneType")]
        elif key == "pool":
            cases = [(wrong, "fit|pool must be") for wrong in (0, -1, 3, 17, 2**40)]
        else:
            cases = [(wrong, key) for wrong in wrong_pairs(key)]
            cases += [((5, 5), "fit"), ((2**24, 2**24), "fit|too large")]
        for wrong, message in cases:
            refused(name, arguments | {key: wrong}, message)


@pytest.mark.parametrize("name", GEOMETRIC)
def test_what_is_written_is_apart_or_does_not_fit(name):
    arguments = good()[name]
    for written in WRITTEN[name]:
        for other, value in arguments.items():
            if other != written and isinstance(value, np.ndarray):
                for pair in ((written, other), (other, written)):
                    refused(name, overlapping(arguments, *pair), "memory")


def test_places_outside_of_a_window_do_not_fit():
    arguments = good()["conv_relu_pool_backward"]
    arguments["where"][1, 2, 1, 0] = 4
    refused("conv_relu_pool_backward", arguments, "places outside of a window of 2 x 2")


@pytest.mark.parametrize(
    ("x", "weight", "padding"),
    [
        ((1, 1, 1, 1), (1, 1, 1, 1), (1 << 13, 1 << 13)),  # too large in vectors of outputs
        ((1, 1 << 20, 1, 1), (1, 1 << 20, 1, 1), (1 << 24, 1 << 24)),  # beyond 64 bits
        ((1, 1, 1, 1), (1, 1, 1, 1), (1 << 24, 0)),
    ],
)
def test_what_32_bits_cannot_count_does_not_fit(x, weight, padding):
    given_ = np.zeros(x, np.float32), np.zeros(weight, np.float32)
    with pytest.raises(ValueError, match="too large"):
        convolution.conv2d_forward(*given_, None, (1, 1), padding, empty(1, 1, 1, 1), 2)


# ---- Threads --------------------------------------------------------------------------------


def test_two_calls_at_once():
    """From two Python threads, one of which gets a new block of work space."""
    rng = np.random.default_rng(0)
    calls = []
    for count, channels in ((9, 3), (4, 16)):
        x, weight = normal(rng, count, channels, 20, 20), normal(rng, 18, channels, 5, 5)
        grad = normal(rng, count, 18, 16, 16)
        calls.append([
            ("conv2d_forward", (x, weight, None, (1, 1), (0, 0)), grad.shape),
            ("conv2d_backward_weight", (x, grad, (1, 1), (0, 0)), weight.shape),
            ("conv2d_backward_input", (grad, weight, (1, 1), (0, 0)), x.shape),
        ])  # fmt: skip

    def run(calls):
        return [getattr(convolution, n)(*g, empty(*s), 2).tobytes() for n, g, s in calls]

    alone, wrong = [run(part) for part in calls], []

    def repeat(part, want):
        for _ in range(20):
            if run(part) != want:
                wrong.append(part)

    threads = [threading.Thread(target=repeat, args=pair)
               for pair in zip(calls, alone, strict=True)]  # fmt: skip
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
