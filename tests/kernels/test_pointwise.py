"""The kernels of the pointwise family against their references.

Activations, softmax and noise are within 2e-6 of the largest value, dropout has the same bits, and
`out` may be an input.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from np_nn import ops, reference
from tests.support.kernels import (
    check,
    counts,
    empty,
    extension,
    in_place,
    normal,
    provided,
    python,
    refused,
    seeds,
    sizes,
    some,
)

pytestmark = pytest.mark.kernel_independent
pointwise = extension("pointwise")

FUNCTIONS = {"sigmoid": (), "tanh": (), "scaled_tanh": (), "leaky_relu": (0.3,), "elu": (0.7,),
             "gelu": (), "silu": ()}  # fmt: skip
OF_OUTPUT = ("sigmoid", "tanh", "scaled_tanh")  # whose backward pass takes y, not x
ROWWISE = ("softmax", "log_softmax")
PROVIDED = sorted(
    [f"{name}_{way}" for name in (*FUNCTIONS, *ROWWISE, "relu") for way in ("forward", "backward")]
    + ["add", "add_relu", "bce", "bce_with_logits", "dropout", "gaussian_noise"]
)
TOLERANCE = 2e-6


def same(name, *arguments, tolerance=TOLERANCE):
    check(name, *arguments, tolerance=tolerance)


def test_every_kernel_has_a_test_here():
    assert provided(pointwise) == PROVIDED


# ---- Activations ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", FUNCTIONS)
@some
@given(counts, sizes, st.sampled_from([1e-3, 1, 30]), seeds)
def test_activations(name, count, width, size, seed):
    rng = np.random.default_rng(seed)
    x, grad = normal(rng, count, width) * np.float32(size), normal(rng, count, width)
    more = FUNCTIONS[name]
    same(f"{name}_forward", x, *more, empty(count, width))
    in_place(f"{name}_forward", [x, *more, empty(count, width)], [0], 1 + len(more))
    if name in OF_OUTPUT:
        x = getattr(reference, f"{name}_forward")(x, empty(count, width))
    same(f"{name}_backward", grad, x, *more, empty(count, width))
    in_place(f"{name}_backward", [grad, x, *more, empty(count, width)], [0, 1], 2 + len(more))


@pytest.mark.parametrize("shape", [(1,), (0, 3), (17, 33), (2, 3, 5, 7), (70_000,)])
def test_relu(shape):
    rng = np.random.default_rng(0)
    x, grad = normal(rng, *shape), normal(rng, *shape)
    if x.size > 10:
        x.flat[:4] = np.nan, np.inf, -np.inf, 0
        grad.flat[2:8] = np.nan, np.inf, -np.inf, np.nan, np.inf, -np.inf
    y = np.maximum(x, 0)
    check("relu_forward", x, empty(*shape))
    check("relu_forward", x, x)
    with np.errstate(invalid="ignore"):  # both give NaN for 0 times infinity
        check("relu_backward", grad, y, empty(*shape))
        check("relu_backward", grad, y, y)


@pytest.mark.parametrize("name", ["add", "add_relu"])
@pytest.mark.parametrize("shape", [(), (0, 3), (5,), (2, 3, 5, 7), (70_001,)])
def test_sums(name, shape):
    rng = np.random.default_rng(0)
    x, skip = np.array(normal(rng, *shape)), np.array(normal(rng, *shape))
    same(name, x, skip, empty(*shape))
    in_place(name, [x, skip, empty(*shape)], [0, 1], 2)


def test_sums_of_special_values():
    x = np.float32([np.nan, np.inf, -np.inf, 1, -1, 1e38])
    skip, out = np.float32([1, 1, 1, np.nan, -np.inf, 3e38]), empty(6)
    with np.errstate(over="ignore"):
        for name in ("add", "add_relu"):
            want = getattr(reference, name)(x, skip, empty(6))
            np.testing.assert_array_equal(getattr(pointwise, name)(x, skip, out, 2), want)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("shape", [(), (0, 3), (5,), (2, 3, 5, 7), (70_001,)])
def test_activations_take_any_shape(name, shape):
    rng = np.random.default_rng(0)
    x, grad, more = np.array(normal(rng, *shape)), np.array(normal(rng, *shape)), FUNCTIONS[name]
    same(f"{name}_forward", x, *more, empty(*shape))
    same(f"{name}_backward", grad, x / 2, *more, empty(*shape))


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("reach", [1e-4, 1, 20, 120])
def test_activations_are_accurate(name, reach):
    """Against float64, in ranges that each have their own largest value."""
    x, more = np.linspace(-reach, reach, 100_001, dtype=np.float32), FUNCTIONS[name]
    grad = np.ones_like(x)
    for way, given_ in (("forward", (x,)), ("backward", (grad, x))):
        if way == "backward" and name in OF_OUTPUT:
            given_ = grad, getattr(reference, f"{name}_forward")(x, np.empty_like(x))
        exact = [array.astype(float) for array in given_]
        want = getattr(reference, f"{name}_{way}")(*exact, *more, np.empty(x.shape))
        got = getattr(pointwise, f"{name}_{way}")(*given_, *more, np.empty_like(x), 2)
        assert np.abs(got - want).max() <= TOLERANCE * np.abs(want).max()


def test_small_numbers_keep_their_digits():
    x = np.float32([1e-30, -1e-30, 1e-6, -1e-6, 1e-3, -1e-3, 0.0, -0.0])
    for name in ("tanh", "elu", "gelu", "silu"):
        want = getattr(reference, f"{name}_forward")(
            x.astype(float), *(FUNCTIONS[name] and (1.0,)), np.empty(8)
        )
        got = getattr(pointwise, f"{name}_forward")(
            x, *(FUNCTIONS[name] and (1.0,)), np.empty(8, np.float32), 1
        )
        np.testing.assert_allclose(got, want, rtol=TOLERANCE)
        np.testing.assert_array_equal(np.signbit(got[:6]), np.signbit(want[:6]))


SPECIAL = [np.nan, np.inf, -np.inf, 0, -0.0, 1e-38, -1e-38, 86, -86, 88, -88, 300, 1e38, -1e38]


@pytest.mark.filterwarnings("ignore:.*encountered:RuntimeWarning")
@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("negated", [False, True])
def test_special_values_are_those_of_the_reference(name, negated):
    x = np.tile(np.float32(SPECIAL), 5)  # in whole vectors and in the remainder
    grad = np.roll(x, 3 if negated else 0) * np.float32(-1 if negated else 1)
    more = FUNCTIONS[name]
    for size in (len(x), 7):
        out = np.empty(size, np.float32)
        same(f"{name}_forward", x[:size], *more, out)
        y = x
        if name in OF_OUTPUT:
            y = getattr(reference, f"{name}_forward")(x, np.empty_like(x))
        for g in (grad, np.ones_like(grad)):
            want = getattr(reference, f"{name}_backward")(g[:size], y[:size], *more, out.copy())
            got = getattr(pointwise, f"{name}_backward")(g[:size], y[:size], *more, out, 2)
            np.testing.assert_allclose(got, want, rtol=TOLERANCE, atol=1e-30)


def test_limits():
    x, out = np.float32([np.inf, -np.inf, 1000, -1000]), np.empty(4, np.float32)
    assert pointwise.sigmoid_forward(x, out, 1).tolist() == [1, 0, 1, 0]
    assert pointwise.tanh_forward(x, out, 1).tolist() == [1, -1, 1, -1]
    assert pointwise.elu_forward(x, 2.0, out, 1).tolist() == [np.inf, -2, 1000, -2]
    x[1] = -np.finfo(np.float32).max
    assert pointwise.gelu_forward(x, out, 1).tolist() == [np.inf, 0, 1000, 0]
    assert pointwise.silu_forward(x, out, 1).tolist() == [np.inf, 0, 1000, 0]


# ---- Softmax --------------------------------------------------------------------------------

WIDTHS = st.sampled_from([1, 2, 7, 10, 16, 17, 100, 129, 513, 1000, 1023, 1024, 1025, 3000])


@pytest.mark.parametrize("name", ROWWISE)
@some
@given(st.sampled_from([0, 1, 3, 17, 33, 103, 205, 300]), WIDTHS,
       st.sampled_from([0.01, 1, 30]), seeds)  # fmt: skip
def test_softmax(name, count, width, size, seed):
    rng = np.random.default_rng(seed)
    x, grad = normal(rng, count, width) * np.float32(size), normal(rng, count, width)
    same(f"{name}_forward", x, empty(count, width))
    same(f"{name}_forward", x, x)
    y = getattr(reference, f"{name}_forward")(x, empty(count, width))
    for given_ in ((grad, y, empty(count, width)), (grad, y, grad), (grad, y, y)):
        same(f"{name}_backward", *given_, tolerance=1e-5)


@pytest.mark.filterwarnings("ignore:.*encountered:RuntimeWarning")
@pytest.mark.parametrize("name", ROWWISE)
@pytest.mark.parametrize("width", [1, 5, 10, 40, 1500])
def test_softmax_of_special_values(name, width):
    x = normal(np.random.default_rng(0), 9, width)
    for row, value in enumerate([np.nan, np.inf, -np.inf, 1e38, -1e38]):
        x[row, row % width] = value
        x[row + 1, (width - 1 - row) % width] = value
    x[7] = -np.inf
    x[8] = np.nan
    same(f"{name}_forward", x, empty(9, width))


def test_log_softmax_backward_takes_what_is_no_logarithm_of_a_share():
    y = np.float32([[-200, -88, -87, -1, 0, 1, 50, 88, 88.7, 100, np.inf, -np.inf, np.nan]])
    grad = np.ones_like(y)
    with np.errstate(over="ignore"):
        want = reference.log_softmax_backward(grad, y, np.empty_like(y))
    got = pointwise.log_softmax_backward(grad, y, np.empty_like(y), 1)
    np.testing.assert_allclose(got, want, rtol=TOLERANCE)


# ---- Losses ---------------------------------------------------------------------------------


@some
@given(counts, sizes, st.sampled_from([0.01, 1, 20]), st.booleans(), seeds)
def test_bce(count, width, size, hard, seed):
    rng = np.random.default_rng(seed)
    x = normal(rng, count, width) * np.float32(size)
    target = rng.random((count, width)).astype(np.float32)
    target = np.round(target) if hard else target
    factor = 1 / x.size
    p = reference.sigmoid_forward(x, np.empty_like(x))
    for name, output in (("bce", p), ("bce_with_logits", x)):
        same(name, output, target, factor, empty(count, width), tolerance=1e-5)
        in_place(name, [output, target, factor, empty(count, width)], [0, 1], 3)


@pytest.mark.parametrize("name", ["bce", "bce_with_logits"])
def test_bce_of_sure_outputs_is_accurate(name):
    """Losses near 0, where log(1 + x) would lose all digits, each against float64."""
    x = np.float32([-80, -30, -17, -8, -1e-3, 0, 1e-3, 8, 13])
    x = x if name == "bce_with_logits" else np.float32([0, 1e-40, 1e-38, 1e-9, 1e-4, 0.3, 0.5, 1])
    for target in (0, 1, 0.25):
        for value in x:
            given_ = np.float32([value]), np.float32([target])
            got, want = np.empty(1, np.float32), np.empty(1)
            loss = getattr(pointwise, name)(*given_, 1.0, got, 1)
            exact = getattr(reference, name)(*(a.astype(float) for a in given_), 1.0, want)
            assert loss == pytest.approx(exact, rel=5e-7, abs=1e-37)
            assert got[0] == pytest.approx(want[0], rel=2e-6, abs=1e-7)


@pytest.mark.filterwarnings("ignore:.*encountered:RuntimeWarning")
@pytest.mark.parametrize("name", ["bce", "bce_with_logits"])
def test_bce_of_special_values(name):
    for value in (np.nan, np.inf, -np.inf, -0.0, 1.5, -0.5):
        output, target = np.float32([0.5] * 20), np.float32([0, 1] * 10)
        output[17] = value
        want, got = np.empty_like(output), np.empty_like(output)
        loss = getattr(reference, name)(output, target, 0.1, want)
        np.testing.assert_allclose(
            getattr(pointwise, name)(output, target, 0.1, got, 2), loss, 1e-6
        )
        np.testing.assert_allclose(got, want, 1e-6)


def test_bce_of_nothing_is_0():
    for name in ("bce", "bce_with_logits"):
        same(name, empty(0, 5), empty(0, 5), 1.0, empty(0, 5))


# ---- Noise ----------------------------------------------------------------------------------

KEYS = (0, 1, -1, 2**32, 123456789012345678, -(2**70) + 12345, 2**64 - 1)


@some
@given(counts, sizes, st.sampled_from([0.0, 0.1, 0.5, 0.99, 1 - 1e-12]), st.sampled_from(KEYS),
       seeds)  # fmt: skip
def test_dropout_is_the_same_to_the_bit(count, width, p, key, seed):
    x = normal(np.random.default_rng(seed), count, width)
    want = reference.dropout(x, p, key, empty(count, width))
    for threads in (1, 2, 3, 4):
        got = pointwise.dropout(x, p, key, empty(count, width), threads)
        assert got.tobytes() == want.tobytes()
    same("dropout", x, p, key, x)


def test_dropout_drops_the_share_and_repeats_for_the_gradient():
    x = np.ones(1_000_000, np.float32)
    y = pointwise.dropout(x, 0.3, 42, np.empty_like(x), 2)
    assert abs((y == 0).mean() - 0.3) < 0.002
    assert abs(y.mean() - 1) < 0.003
    grad = pointwise.dropout(x, 0.3, 42, np.empty_like(x), 1)
    assert grad.tobytes() == y.tobytes()
    assert pointwise.dropout(x, 0.3, 43, grad, 1).tobytes() != y.tobytes()


@pytest.mark.filterwarnings("ignore:.*encountered:RuntimeWarning")
def test_dropout_of_special_values():
    x = np.tile(np.float32(SPECIAL), 9)
    want = reference.dropout(x, 0.5, 7, np.empty_like(x))
    got = pointwise.dropout(x, 0.5, 7, np.empty_like(x), 2)
    np.testing.assert_array_equal(got, want)
    np.testing.assert_array_equal(np.signbit(got[x == x]), np.signbit(want[x == x]))


@some
@given(counts, sizes, st.sampled_from([0.0, 0.1, 1.0, -3.0]), st.sampled_from(KEYS), seeds)
def test_gaussian_noise(count, width, std, key, seed):
    x = normal(np.random.default_rng(seed), count, width)
    same("gaussian_noise", x, std, key, empty(count, width))
    in_place("gaussian_noise", [x, std, key, empty(count, width)], [0], 3)


def test_gaussian_noise_is_normal():
    x = np.zeros(1_000_000, np.float32)
    noise = pointwise.gaussian_noise(x, 2.0, 5, np.empty_like(x), 2) / 2
    assert np.isfinite(noise).all()
    assert abs(noise.mean()) < 0.004
    assert abs(noise.std() - 1) < 0.003
    for limit, share in ((1, 0.3173), (2, 0.0455), (3, 0.0027)):
        assert (np.abs(noise) > limit).mean() == pytest.approx(share, rel=0.05)


# ---- Invalid arguments ----------------------------------------------------------------------


def misfits():
    """Yield (name, arguments, error message), with one thing wrong in each."""
    rng = np.random.default_rng(0)
    x, y, v = normal(rng, 4, 6), normal(rng, 4, 6), normal(rng, 6)
    out, memory = empty(4, 6), normal(rng, 48)
    first, second = memory[:24].reshape(4, 6), memory[6:30].reshape(4, 6)
    frozen = empty(4, 6)
    frozen.flags.writeable = False
    cases = []
    for name, setting in FUNCTIONS.items():
        forward, backward = f"{name}_forward", f"{name}_backward"
        cases += [
            (forward, (x, *setting, empty(6, 4)), "fit"),
            (forward, (x.astype(float), *setting, out), "x must be .*float32"),
            (forward, (x, *setting, frozen), "read-only"),
            (forward, (first, *setting, second), "a part of x"),
            (backward, (x, y[:3], *setting, out), "fit"),
            (backward, (x, y[:, ::2], *setting, out[:, :3].copy()), "contiguous"),
            (backward, (first, y, *setting, second), "a part of grad"),
            (backward, (x, first, *setting, second), "a part of [xy]"),
        ]
    for name in ROWWISE:
        cases += [
            (f"{name}_forward", (v, empty(6)), "2 dimensions"),
            (f"{name}_forward", (x, empty(4, 5)), "fit"),
            (f"{name}_forward", (empty(4, 0), empty(4, 0)), "fit"),
            (f"{name}_forward", (first, second), "a part of x"),
            (f"{name}_backward", (x, y, empty(6, 4)), "fit"),
            (f"{name}_backward", (x, x.astype(np.float16), out), "y must be .*float32"),
            (f"{name}_backward", (x, first, second), "a part of y"),
        ]
    for name in ("bce", "bce_with_logits"):
        cases += [
            (name, (x, y, 1.0, empty(6, 4)), "fit"),
            (name, (x, y[:3], 1.0, out), "fit"),
            (name, (x, y.astype(int), 1.0, out), "target must be .*float32"),
            (name, (x, first, 1.0, second), "a part of target"),
        ]
    return [
        *cases,
        ("relu_forward", (x, empty(6, 4)), "fit"),
        ("relu_forward", (first, second), "a part of x"),
        ("relu_backward", (x, x, empty(24)), "fit"),
        ("relu_backward", (x, first, second), "a part of y"),
        ("add", (x, y, empty(6, 4)), "x .*, skip .* fit"),
        ("add", (x, y.astype(float), out), "skip must be .*float32"),
        ("add_relu", (x, first, second), "a part of skip"),
        ("add_relu", (x, y, frozen), "read-only"),
        ("dropout", (x, 1.0, 3, out), "p must be"),
        ("dropout", (x, -0.1, 3, out), "p must be"),
        ("dropout", (x, np.nan, 3, out), "p must be"),
        ("dropout", (x, 0.5, 3, empty(24)), "fit"),
        ("dropout", (first, 0.5, 3, second), "a part of x"),
        ("dropout", (x, 0.5, 3, frozen), "read-only"),
        ("gaussian_noise", (x, 0.5, 3, empty(6, 4)), "fit"),
        ("gaussian_noise", (x.astype(int), 0.5, 3, out), "x must be .*float32"),
    ]  # fmt: skip


MISFITS = misfits()


@pytest.mark.parametrize("case", MISFITS, ids=[f"{n}-{m}" for n, _, m in MISFITS])
def test_what_does_not_fit_is_an_error_and_changes_nothing(case):
    name, arguments, message = case
    refused(name, dict(enumerate(arguments)), message)


# ---- Threads --------------------------------------------------------------------------------


def test_all_instruction_sets_drop_the_same():
    ask = """
import hashlib, numpy as np
from np_nn._kernels import pointwise
x = np.ones(10_001, np.float32)
print(hashlib.sha256(pointwise.dropout(x, 0.3, 99, x, 1)).hexdigest())
"""
    results = {python("-c", ask, NP_NN_ISA=isa).stdout for isa in ("avx512", "avx2", "baseline")}
    assert len(results) == 1
    assert len(results.pop().strip()) == 64


def test_the_description_says_each_thing_once():
    ops.use("compiled")
    assert ops.describe().count(pointwise.isa()) == 1
    ops.use("auto")
