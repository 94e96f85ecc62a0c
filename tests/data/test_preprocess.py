"""Deskewing and augmentation: exact where possible, alike on NumPy and on the kernels.

A value halfway between two grey levels may be rounded to either: images are compared to within 1.
"""

import numpy as np
import pytest
from scipy import ndimage

from np_nn import ops
from np_nn.data import preprocess
from np_nn.data.augmentation import AUGMENTATIONS, Affine, Compose, Distortion, Elastic, Shift
from np_nn.utils.errors import NpNNError

ALL = [
    Shift(pixels=3),
    Affine(rotate=20, scale=0.2, shear=10, shift=2),
    Elastic(alpha=20, sigma=3),
    Compose([Shift(pixels=1), Affine(), Elastic()]),
]
SHAPES = [(1, 1, 1), (3, 1, 9), (2, 9, 1), (5, 7, 4), (4, 17, 31), (3, 28, 28), (2, 65, 14)]


def random(seed=0):
    return np.random.default_rng(seed)


def blots(shape, seed=0):
    """Return smooth grey blots, with black columns and one black image."""
    noise = random(seed).random(shape)
    images = ndimage.gaussian_filter(noise, (0, 1, 1)) * 255
    images[:, :, ::5] = 0
    images[shape[0] // 2] = 0
    return images.astype(np.uint8)


def same(got, want, most=1):
    assert got.shape == want.shape
    assert got.dtype == want.dtype == np.uint8
    assert np.abs(got.astype(int) - want).max(initial=0) <= most


# ---- Deskewing ------------------------------------------------------------------------------


def deskew_one(image):
    """Deskew one image by sums over a grid and SciPy's resampling."""
    ink = image / max(image.sum(), 1)
    y, x = np.indices(image.shape)
    y0, x0 = (ink * y).sum(), (ink * x).sum()
    variance, covariance = (ink * (y - y0) ** 2).sum(), (ink * (y - y0) * (x - x0)).sum()
    matrix = np.array([[1, 0], [covariance / variance if variance > 1e-9 else 0, 1]])
    middle = np.array(image.shape) // 2
    return ndimage.affine_transform(
        image.astype(float), matrix, np.array([y0, x0]) - matrix @ middle, order=1,
        mode="grid-constant",
    )  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_deskew_is_the_loop_over_images(shape):
    images = blots(shape)
    before = images.tobytes()
    want = np.array([deskew_one(image) for image in images])
    same(preprocess.deskew(images), np.floor(want + 0.5).astype(np.uint8))
    assert images.tobytes() == before


def skew(images):
    """Return the slant (M,), in columns per row, and the centres of mass (M, 2)."""
    p = images.reshape(len(images), -1) / images.sum(axis=(1, 2))[:, None]
    y, x = (axis.ravel() for axis in np.indices(images.shape[1:]))
    y0, x0 = p @ y, p @ x
    return (p @ (x * y) - x0 * y0) / (p @ (y * y) - y0**2), np.stack([y0, x0], axis=1)


def test_deskewed_digits_stand_upright_in_the_middle(mnist):
    images = mnist.train.images[:3000]
    upright = preprocess.deskew(images)
    before, after = (np.abs(skew(some)[0]) for some in (images, upright))
    assert before.mean() > 0.2
    assert after.mean() < 0.003
    assert np.percentile(after, 99) < 0.02  # the other images lose ink at the edge
    assert np.abs(skew(upright)[1] - 14).mean() < 0.01
    assert abs(upright.mean() / images.mean() - 1) < 0.001
    again = preprocess.deskew(upright)
    assert np.abs(again.astype(int) - upright).mean() < 1  # already upright


def test_deskew_leaves_what_stands_upright_alone():
    bar = np.zeros((2, 9, 8), np.uint8)
    bar[0, 2:7, 4] = 200
    assert preprocess.deskew(bar).tobytes() == bar.tobytes()


def test_deskew_of_a_slanted_bar():
    slanted = np.zeros((1, 11, 11), np.uint8)
    slanted[0, np.arange(3, 8), np.arange(3, 8)] = 90
    upright = np.zeros_like(slanted)
    upright[0, 3:8, 5] = 90
    assert preprocess.deskew(slanted).tobytes() == upright.tobytes()


# ---- Scaling --------------------------------------------------------------------------------


def test_standardization():
    images = random().integers(0, 256, (700, 20, 21)).astype(np.uint8)
    mean, std = preprocess.mean_and_std(images)
    assert (mean, std) == pytest.approx((images.mean(), images.std()), rel=1e-12)
    scale, shift = preprocess.standardization(images)
    scaled = scale * images + shift
    assert (scaled.mean(), scaled.var()) == pytest.approx((0, 1), abs=1e-9)
    with pytest.raises(NpNNError, match="all alike"):
        preprocess.standardization(np.full((3, 4, 5), 77, np.uint8))


# ---- Augmentation ---------------------------------------------------------------------------


def test_the_table_has_every_augmentation():
    assert {"shift": Shift, "affine": Affine, "elastic": Elastic} == AUGMENTATIONS
    assert {type(one) for one in ALL} == {*AUGMENTATIONS.values(), Compose}


@pytest.mark.parametrize("augment", ALL, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_augmentations_take_any_shape_and_keep_the_input(augment, shape):
    images = blots(shape)
    images.flags.writeable = False
    before = images.tobytes()
    out = augment(images, random())
    assert out.shape == shape
    assert out.dtype == np.uint8
    assert out.flags.writeable
    assert not np.shares_memory(out, images)
    assert images.tobytes() == before


@pytest.mark.parametrize("augment", ALL, ids=str)
def test_a_seed_decides_the_images(augment):
    images = blots((20, 28, 28))
    once = augment(images, random(1))
    assert once.tobytes() == augment(images, random(1)).tobytes()
    assert once.tobytes() == augment(images[:, ::-1].copy()[:, ::-1], random(1)).tobytes()
    assert once.tobytes() != augment(images, random(2)).tobytes()
    rng = random(1)
    assert once.tobytes() == augment(images, rng).tobytes()
    assert once.tobytes() != augment(images, rng).tobytes()


@pytest.mark.parametrize("augment", ALL, ids=str)
def test_every_image_is_distorted_in_a_way_of_its_own(augment):
    images = np.repeat(blots((1, 28, 28)) + np.tri(28, dtype=np.uint8) * 99, 50, axis=0)
    different = {image.tobytes() for image in augment(images, random())}
    assert len(different) > 25  # Shift(3) has 49 shifts


@pytest.mark.skipif("warp_images" not in ops.KERNELS, reason="the kernels are not built")
@pytest.mark.parametrize("augment", ALL, ids=str)
def test_numpy_and_the_kernels_give_the_same_images(augment):
    images, results = blots((40, 28, 28)), []
    for choice in ("numpy", "compiled"):
        ops.use(choice)
        results.append(augment(images, random(3)))
    same(*results)
    assert (results[0] != results[1]).mean() < 1e-3


@pytest.mark.parametrize("augment", ALL[:3], ids=str)
def test_the_ink_is_kept(augment, mnist):
    images = mnist.train.images[:2000]
    assert augment(images, random()).mean() == pytest.approx(images.mean(), rel=0.04)


@pytest.mark.parametrize(
    "augment", [Shift(0), Affine(0, 0, 0, 0), Elastic(0, 4), Compose([]), Compose([Shift(0)] * 2)],
    ids=str,
)  # fmt: skip
def test_no_distortion_is_the_same_image(augment):
    images = blots((9, 28, 21))
    assert augment(images, random()).tobytes() == images.tobytes()


def test_shift_is_a_roll_that_fills_with_black():
    image = random().integers(1, 256, (6, 5)).astype(np.uint8)
    padded = np.pad(image, 2)
    moved = [
        np.roll(padded, (down, right), (0, 1))[2:-2, 2:-2].tobytes()
        for down in range(-2, 3)
        for right in range(-2, 3)
    ]
    got = {out.tobytes() for out in Shift(2)(np.repeat(image[None], 500, axis=0), random())}
    assert got == set(moved)


class Largest(np.random.Generator):
    """A generator that always draws the upper limit."""

    def uniform(self, low, high, size):
        return np.full(size, high)


def test_the_largest_affine_maps_against_scipy():
    rng = Largest(np.random.PCG64())
    images = blots((2, 28, 21), seed=4)

    def scipy(matrix, shift=(0, 0)):
        middle = np.array([13.5, 10])
        offset = middle - matrix @ middle + shift
        want = [
            ndimage.affine_transform(
                im.astype(float), matrix, offset, order=1, mode="grid-constant"
            )
            for im in images
        ]
        return np.floor(np.array(want) + 0.5).astype(np.uint8)

    turned = Affine(90, 0)(images[:, :21], rng)
    assert turned.tobytes() == np.rot90(images[:, :21], 1, (1, 2)).tobytes()
    same(Affine(0, 0.25)(images, rng), scipy(np.diag([0.8, 0.8])))
    same(Affine(0, 0, 45)(images, rng), scipy(np.array([[1, 0], [1, 1]])))
    same(Affine(0, 0, 0, 1.5)(images, rng), scipy(np.eye(2), (1.5, 1.5)))


def test_an_affine_map_turns_then_shears_then_scales_then_moves():
    maps = Affine(20, 0.2, 10, 2).draw(50, (28, 28), random()).maps
    angle, lean, tall, wide, down, right = random().uniform(-1, 1, (6, 50))
    for map, a, s, h, w, y, x in zip(
        maps, np.radians(20 * angle), np.tan(np.radians(10 * lean)), 1 / (1 + 0.2 * tall),
        1 / (1 + 0.2 * wide), 2 * down, 2 * right, strict=True,
    ):  # fmt: skip
        turn = np.array([[np.cos(a), np.sin(a), 0], [-np.sin(a), np.cos(a), 0], [0, 0, 1]])
        shear, scale = np.array([[1, 0, 0], [s, 1, 0], [0, 0, 1]]), np.diag([h, w, 1])
        move = np.array([[1, 0, y], [0, 1, x], [0, 0, 1]])
        np.testing.assert_allclose(map, turn @ shear @ scale @ move, atol=1e-12)


def test_affine_draws_stay_in_their_ranges():
    maps = Affine(10, 0.1, 0, 3).draw(4000, (28, 28), random()).maps[:, :2]
    scale = 1 / np.linalg.norm(maps[:, :, :2], axis=1)
    angle = np.degrees(np.arctan2(maps[:, 0, 1], maps[:, 1, 1]))
    for values, low, high in ((scale, 0.9, 1.1), (angle, -10, 10)):
        assert low <= values.min() < low + 0.01 * (high - low)
        assert high - 0.01 * (high - low) < values.max() <= high


@pytest.mark.parametrize(("sigma", "size"), [(4, 28), (2, 28), (6, (20, 35)), (1.5, 9)])
def test_elastic_fields_are_smoothed_noise(sigma, size):
    """Their covariance is that of uniform noise, smoothed by a Gaussian and scaled by alpha."""
    shape = (size, size) if isinstance(size, int) else size
    alpha, reach = 10, 4 * int(np.ceil(sigma))
    _, coefficients, basis_y, basis_x = Elastic(alpha, sigma).draw(3000, shape, random())
    fields = basis_y @ coefficients @ basis_x.T
    assert fields.shape == (3000, 2, *shape)
    assert abs(fields.mean()) < 0.05 * fields.std()

    taps = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * sigma**2))
    taps /= taps.sum()
    covariance = np.correlate(taps, taps, "full")[len(taps) - 1 :]
    variance = alpha**2 / 3 * covariance[0] ** 2  # of uniform noise in -1 .. 1: 1 / 3
    np.testing.assert_allclose((fields**2).mean(axis=0), variance, rtol=0.25)
    assert (fields**2).mean() == pytest.approx(variance, rel=0.05)
    assert fields.std() == pytest.approx(0.163 * alpha / sigma, rel=0.05)
    near = (fields[..., 2:] * fields[..., :-2]).mean() / (fields**2).mean()
    assert near == pytest.approx(covariance[2] / covariance[0], abs=0.02)
    along, across = fields[:, 0].ravel(), fields[:, 1].ravel()
    assert abs(np.corrcoef(along, across)[0, 1]) < 0.05
    one, next_one = fields[:-1].ravel(), fields[1:].ravel()
    assert abs(np.corrcoef(one, next_one)[0, 1]) < 0.05


def test_compose_resamples_once():
    """A shift by half a pixel and its inverse blur nothing."""
    half = Affine(0, 0, 0, 0.5)

    class Back(Affine):
        def draw(self, count, shape, rng):
            maps = super().draw(count, shape, random(7)).maps
            return Distortion(np.linalg.inv(maps))

    class There(Affine):
        def draw(self, count, shape, rng):
            return super().draw(count, shape, random(7))

    images = blots((5, 12, 13))
    assert half(images, random(7)).tobytes() != images.tobytes()
    both = Compose([There(0, 0, 0, 0.5), Back(0, 0, 0, 0.5)])
    assert both(images, random()).tobytes() == images.tobytes()


def test_compose_goes_from_left_to_right():
    """A shift to the right, then a quarter turn clockwise, is a shift down."""

    class Right(Shift):
        def draw(self, count, shape, rng):
            maps = super().draw(count, shape, rng).maps
            maps[:, :2, 2] = 0, -1
            return Distortion(maps)

    class Turn(Affine):
        def draw(self, count, shape, rng):
            maps = super().draw(count, shape, rng).maps
            maps[:, :2, :2] = [[0, -1], [1, 0]]
            return Distortion(maps)

    image = np.zeros((1, 5, 5), np.uint8)
    image[0, 2, 2] = 9
    parts = [Right(), Turn(0, 0)]
    for order in (parts, parts[::-1]):
        one_by_one = order[1](order[0](image, random()), random())
        assert Compose(order)(image, random()).tobytes() == one_by_one.tobytes()


# ---- Invalid arguments ----------------------------------------------------------------------

NAN = float("nan")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Shift(-1), "Shift: pixels must be a number from 0 to 1,000,000, got -1"),
        (lambda: Shift(1.5), "whole number"),
        (lambda: Shift("2"), "Shift: pixels must be a number"),
        (lambda: Affine(rotate=NAN), "Affine: rotate must be .*got nan"),
        (lambda: Affine(scale=1), "Affine: scale must be below 1, got 1"),
        (lambda: Affine(shear=90), "Affine: shear must be below 90"),
        (lambda: Affine(shift=float("inf")), "Affine: shift"),
        (lambda: Affine(rotate=np.ones(2)), "Affine: rotate"),
        (lambda: Elastic(alpha=-1), "Elastic: alpha"),
        (lambda: Elastic(alpha=1e300), "Elastic: alpha"),
        (lambda: Elastic(sigma=0), "Elastic: sigma must be at least 0.5, got 0"),
        (lambda: Elastic(sigma=None), "Elastic: sigma"),
        (lambda: Compose(Shift()), "give a list"),
        (lambda: Compose([Shift]), "not an augmentation"),
        (lambda: Compose([Elastic(), Compose([Elastic()])]), "at most one Elastic"),
    ],
)
def test_bad_settings(make, message):
    with pytest.raises(NpNNError, match=message) as error:
        make()
    assert "\n" not in str(error.value)


BAD_IMAGES = [
    (np.zeros((2, 3, 3), np.float32), "uint8 .*got float32"),
    (np.zeros((3, 3), np.uint8), r"\(M, H, W\), got uint8 of shape \(3, 3\)"),
    (np.zeros((0, 3, 3), np.uint8), "no pixel"),
    (np.zeros((2, 0, 3), np.uint8), "no pixel"),
    (np.zeros((1, 1, 5000), np.uint8), "4096"),
    ([[[1]]], "got list"),
]


@pytest.mark.parametrize(("images", "message"), BAD_IMAGES, ids=[m for _, m in BAD_IMAGES])
def test_bad_images(images, message):
    for call in (preprocess.deskew, preprocess.mean_and_std, lambda i: Shift()(i, random())):
        with pytest.raises(NpNNError, match=message):
            call(images)


def test_augmentations_want_a_generator():
    with pytest.raises(NpNNError, match="Generator, got int"):
        Shift()(blots((1, 5, 5)), 0)
