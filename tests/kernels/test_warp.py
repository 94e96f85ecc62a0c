"""The kernels of the warp family against their references.

A value halfway between two grey levels may be rounded to either: images are compared to within 1.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from np_nn import reference
from tests.support.kernels import anywhere, extension, provided, seeds

pytestmark = pytest.mark.kernel_independent
warp = extension("warp")


def check(name, out, *arguments):
    """Run the kernel on one to four threads; return its bytes and the reference's."""
    want = getattr(reference, name)(*arguments, out.copy())
    results = []
    for threads in (1, 2, 3, 4):
        given = [anywhere(a, threads - 1) if a is not None else None for a in arguments]
        before = [None if a is None else a.tobytes() for a in given]
        got = anywhere(out, threads - 1)
        assert getattr(warp, name)(*given, got, threads) is got
        assert [None if a is None else a.tobytes() for a in given] == before
        results.append(got)
    assert len({got.tobytes() for got in results}) == 1, "threads change the result"
    return results[0], want


def pixels(rng, *shape):
    """Return uint8 images with half the pixels black, and some columns."""
    images = rng.integers(-256, 256, shape).clip(0).astype(np.uint8)
    images[:, :, ::5] = 0
    return images


def same(got, want, most=1):
    assert got.shape == want.shape
    assert got.dtype == want.dtype == np.uint8
    assert np.abs(got.astype(int) - want).max(initial=0) <= most


some = settings(max_examples=40, deadline=None, derandomize=True, database=None)
counts, sides = (
    st.sampled_from([1, 2, 3, 7, 32, 100]),
    st.sampled_from([1, 2, 5, 13, 14, 15, 28, 33]),
)


def test_every_kernel_has_a_test_here():
    assert provided(warp) == ["image_moments", "warp_images"]


@some
@given(counts, sides, sides, seeds)
def test_image_moments(count, height, width, seed):
    images = pixels(np.random.default_rng(seed), count, height, width)
    got, want = check("image_moments", np.full((count, 5), 7), images)
    np.testing.assert_array_equal(got, want)


def test_image_moments_of_the_largest_images():
    images = np.full((1, 1, 4096), 255, np.uint8)
    got, want = check("image_moments", np.empty((1, 5), np.int64), images)
    np.testing.assert_array_equal(got, want)


@some
@given(counts, sides, sides, st.sampled_from([0, 1, 2, 7, 17]), seeds)
def test_warp_images(count, height, width, modes, seed):
    rng = np.random.default_rng(seed)
    images = pixels(rng, count, height, width)
    matrices = np.eye(3)[:2] + rng.normal(size=(count, 2, 3)) * [0.3, 0.3, 3]
    coefficients = rng.normal(size=(count, 2, modes, modes)).astype(np.float32)
    bases = (rng.normal(size=(side, modes)).astype(np.float32) for side in (height, width))
    field = (coefficients, *bases) if modes else (None, None, None)
    same(*check("warp_images", np.full_like(images, 7), images,
                matrices.astype(np.float32), *field))  # fmt: skip


@some
@given(counts, sides, sides, st.sampled_from([0.3, 30, 1e5, 1e7]), seeds)
def test_rows_moved_as_a_whole_have_the_bits_of_other_maps(count, height, width, reach, seed):
    """With a displacement of 0 the general loop runs, without one the loop for shears."""
    rng = np.random.default_rng(seed)
    images = pixels(rng, count, height, width)
    maps = np.tile(np.eye(3)[:2], (count, 1, 1))
    maps[:, :, 2] = rng.normal(size=(count, 2)) * [3, reach]
    maps[:, :, 0] += rng.normal(size=(count, 2)) * rng.choice([0, 0.5], 2)
    maps[::3, :, 2] = np.rint(maps[::3, :, 2]) - 1e-6  # positions that round up to an integer
    maps[5::7, rng.integers(2), 2] = rng.choice([np.nan, np.inf, -np.inf])
    maps, out = maps.astype(np.float32), np.full_like(images, 7)
    zeros = [np.zeros(shape, np.float32) for shape in ((count, 2, 1, 1), (height, 1), (width, 1))]
    got, want = check("warp_images", out, images, maps, None, None, None)
    same(got, want)
    np.testing.assert_array_equal(got, check("warp_images", out, images, maps, *zeros)[0])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30, -1e30])
def test_places_that_are_none_are_black(value):
    images, matrices = np.full((3, 5, 20), 200, np.uint8), np.eye(3, dtype=np.float32)[:2]
    matrices = np.tile(matrices, (3, 1, 1))
    matrices[1, 0, 2] = matrices[2, 1, 2] = value
    got, want = check("warp_images", images.copy(), images, matrices, None, None, None)
    same(got, want, most=0)
    assert (got[0] == 200).all()
    assert not got[1:].any()


def test_no_image():
    images = np.empty((0, 5, 6), np.uint8)
    check("warp_images", images, images, np.empty((0, 2, 3), np.float32), None, None, None)
    check("image_moments", np.empty((0, 5), np.int64), images)


def test_what_does_not_fit_is_an_error_and_changes_nothing():
    f = np.float32
    good = {
        "images": np.ones((3, 6, 5), np.uint8), "matrices": np.ones((3, 2, 3), f),
        "coefficients": np.ones((3, 2, 4, 4), f), "basis_y": np.ones((6, 4), f),
        "basis_x": np.ones((5, 4), f), "out": np.full((3, 6, 5), 7, np.uint8),
    }  # fmt: skip
    warp.warp_images(*(good | {"out": np.empty_like(good["out"])}).values(), 2)
    frozen = np.empty_like(good["out"])
    frozen.flags.writeable = False
    for name, value, message in [
        ("images", np.ones((3, 6, 5), f), "images must be .* uint8"),
        ("images", np.ones((3, 5, 6), np.uint8), "out must be"),
        ("images", good["images"][:, ::-1], "not contiguous"),
        ("images", "x", "got str"),
        ("images", np.zeros((1, 1, 4097), np.uint8), "4096"),
        ("matrices", np.ones((3, 2, 3)), "matrices must be .* float32"),
        ("matrices", np.ones((2, 2, 3), f), r"matrices .* shape \(3, 2, 3\)"),
        ("coefficients", np.ones((3, 2, 4, 5), f), "coefficients must be"),
        ("basis_y", np.ones((5, 4), f), r"basis_y .* shape \(6, any\)"),
        ("basis_x", np.ones((5, 3), f), "basis_x must be"),
        ("basis_x", None, "basis_x must be .*got NoneType"),
        ("out", frozen, "writable .*read-only"),
        ("out", good["images"], "memory"),
    ]:
        before = good["out"].tobytes()
        with pytest.raises(ValueError, match=message):
            warp.warp_images(*(good | {name: value}).values(), 2)
        assert good["out"].tobytes() == before
    with pytest.raises(ValueError, match=r"out must be .* int64"):
        warp.image_moments(good["images"], np.empty((3, 5)), 2)
