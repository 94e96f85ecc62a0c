"""The digit preparation: images of any look become images like MNIST's."""

import io
import re

import numpy as np
import pytest
from PIL import Image, ImageDraw
from scipy import ndimage

from np_nn.data import digit
from np_nn.utils.errors import DataError, NpNNError

pytestmark = pytest.mark.kernel_independent
GREY = 15  # maximum mean difference in levels (0..255) between sizes and lightings


def five(size=100, room=40, shift=(0, 0)):
    """Return a figure like a 5, ink (H, W) 0..1, on a page larger by `room` on each side."""
    ink = np.zeros((100, 100))
    ink[5:17, 25:80] = ink[5:50, 25:37] = ink[42:54, 25:75] = 1
    ink[42:95, 65:77] = ink[83:95, 20:77] = 1
    image = Image.fromarray(ndimage.gaussian_filter(ink, 1.5).astype(np.float32))
    image = np.asarray(image.resize((size, size), Image.Resampling.BILINEAR))
    return np.roll(np.pad(image, room), shift, (0, 1))


def coloured(ink, colour=(0, 0, 0), paper=(255, 255, 255)):
    """Return an image (3, H, W) uint8 of ink (H, W) in one colour on paper of another."""
    colour, paper = (np.asarray(value, float)[:, None, None] for value in (colour, paper))
    return np.round(paper + ink * (colour - paper)).astype(np.uint8)


def grey(image):
    return np.stack([image] * 3)


def difference(one, other):
    """Return the mean difference in levels, without a shift by one pixel due to rounding."""
    moves = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1)]
    moved = (np.roll(one.astype(int), move, (-2, -1)) for move in moves)
    return min(np.abs(image - other).mean() for image in moved)


@pytest.fixture(scope="module")
def plain():
    return digit.prepare(coloured(five()))


# ---- As MNIST was made ------------------------------------------------------------------------


def test_fitted_into_20_x_20_and_centred_by_mass(plain):
    rows, columns = plain.any(axis=1), plain.any(axis=0)
    assert max(rows.sum(), columns.sum()) == 20
    assert plain.max() == 255
    assert np.abs(np.subtract(ndimage.center_of_mass(plain), 14)).max() <= 0.5


def test_the_rounding_of_even_paper_is_no_ink():
    page = Image.new("L", (320, 320), 255)
    ImageDraw.Draw(page).line([(159, 40), (148, 290)], fill=0, width=24)
    ink = np.asarray(page) == 0
    height, width = (np.ptp(np.flatnonzero(ink.any(axis=axis))) + 1 for axis in (1, 0))
    prepared = digit.prepare(grey(np.asarray(page)))
    assert prepared.any(axis=0).sum() == round(20 * width / height) == 3


def test_the_proportions_are_kept():
    bar = np.zeros((90, 90))
    bar[10:70, 40:52] = 1
    made = digit.prepare(coloured(bar))
    assert (made.any(axis=1).sum(), made.any(axis=0).sum()) == (20, 4)


def test_ink_stays_inside_where_its_mass_is_at_an_edge():
    ink = np.zeros((110, 110))
    ink[5:105, 5:9] = ink[80:105, 5:105] = 1
    made = digit.prepare(coloured(ink))
    assert made.any(axis=1).sum() == made.any(axis=0).sum() == 20


def test_mnists_own_images_come_through(mnist):
    images = mnist.test.images[:100]
    made = np.stack([digit.prepare(grey(image)) for image in images])
    assert difference(made, images) < 0.5
    most = np.abs(made.astype(int) - images).max(axis=(1, 2))
    assert np.mean(most < 32) > 0.95  # the others lost a speck


# ---- Whatever it looks like -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("colour", "paper"),
    [
        ((255, 255, 255), (0, 0, 0)),
        ((40, 40, 40), (120, 120, 120)),
        ((150, 150, 150), (190, 190, 190)),
        ((255, 230, 0), (255, 255, 255)),
        ((0, 0, 255), (0, 0, 0)),
        ((200, 30, 30), (60, 110, 60)),
    ],
)
def test_the_colours_do_not_matter(plain, colour, paper):
    assert difference(digit.prepare(coloured(five(), colour, paper)), plain) < 4


def test_neither_size_nor_place_matter(plain):
    for image in (five(30, 5), five(400, 20), five(100, 40, (-30, 25)), five(60, 500)):
        assert difference(digit.prepare(coloured(image)), plain) < GREY


def test_a_digit_that_touches_its_images_border_is_found(plain):
    image = five(room=0)[5:95, :80]  # a third of the border is ink
    assert difference(digit.prepare(coloured(image)), plain) < GREY


def test_uneven_light_and_noise_do_not_matter(plain):
    ink = five()
    y, x = np.meshgrid(*(np.linspace(-1, 1, side) for side in ink.shape), indexing="ij")
    light = 190 + 40 * x - 60 * (x**2 + y**2) / 2
    noise = np.random.default_rng(0).normal(0, 5, ink.shape)
    image = np.clip(light * (1 - 0.8 * ink) + noise, 0, 255).astype(np.uint8)
    assert difference(digit.prepare(grey(image)), plain) < GREY


def test_specks_are_removed_and_parts_of_the_digit_are_not(plain):
    ink = five()
    ink[10:13, 10:13] = ink[150:153, 160:164] = 1
    assert difference(digit.prepare(coloured(ink)), plain) < 1
    ink = five()
    ink[70:75] = 0  # now in two pieces
    assert digit.prepare(coloured(ink)).any(axis=1).sum() >= 18


def test_a_thin_stroke_is_as_bright_as_a_thick_one():
    ink = np.zeros((600, 600))
    ink[100:500, 300] = ink[100, 200:300] = 1
    assert digit.prepare(coloured(ink)).max() == 255


def test_any_image_becomes_a_digit_or_an_error():
    rng, refused = np.random.default_rng(0), set()
    for _ in range(150):
        shape = (3, *rng.integers(1, 40, 2))
        image = rng.integers(0, 256, 3)[:, None, None] + np.zeros(shape, int)
        image[:, shape[1] // 3 :, : rng.integers(1, 1 + shape[2])] = rng.integers(0, 256)
        image = np.where(rng.random(shape) < rng.choice([0, 0.1]), 128, image).astype(np.uint8)
        try:
            made = digit.prepare(image)
        except NpNNError as error:
            refused.add(str(error))
        else:
            assert (made.shape, made.dtype, made.max()) == ((28, 28), np.uint8, 255)
    (message,) = refused
    assert message.startswith("no digit found")


# ---- Files ------------------------------------------------------------------------------------


def png(path, image, **options):
    Image.fromarray(image).save(path, **options)
    return path


def test_files_of_every_mode_are_read_alike(plain, tmp_path):
    ink = five()
    eight = np.round(255 * (1 - ink)).astype(np.uint8)
    sixteen = np.round(65535 * (1 - ink)).astype(np.uint16)
    alpha = np.dstack([*coloured(np.ones_like(ink)), 255 - eight])
    exif = Image.Exif()
    exif[0x0112] = 6  # rotated by 90 degrees, as phones store images
    paths = [
        png(tmp_path / "grey.png", eight),
        png(tmp_path / "16.png", sixteen),
        png(tmp_path / "alpha.png", alpha),
        png(tmp_path / "phone.jpg", np.rot90(eight), exif=exif),
    ]
    made = digit.read(paths)
    assert (made.shape, made.dtype) == ((4, 28, 28), np.uint8)
    assert [difference(one, plain) < 1 for one in made] == [True, True, True, False]
    assert difference(made[3], plain) < GREY  # JPEG's own noise


def test_no_files_are_no_images():
    assert digit.read([]).shape == (0, 28, 28)


@pytest.mark.parametrize(
    "image",
    [
        np.full((50, 50), 255, np.uint8),
        np.full((1, 1), 7, np.uint8),
        np.random.default_rng(0).normal(180, 9, (80, 80)).astype(np.uint8),
        np.random.default_rng(0).normal(128, 30, (80, 80)).clip(0, 255).astype(np.uint8),
        np.linspace(90, 250, 60).astype(np.uint8) * np.ones((60, 1), np.uint8),
    ],
    ids=["blank", "a pixel", "noise", "strong noise", "a gradient"],
)
def test_paper_without_ink_is_an_error_that_names_the_file(tmp_path, image):
    path = png(tmp_path / "empty.png", image)
    with pytest.raises(DataError, match=rf"^{re.escape(str(path))}: no digit found"):
        digit.read([path])


def test_a_damaged_file_is_an_error_that_names_it(tmp_path, plain):
    whole = io.BytesIO()
    Image.fromarray(plain).save(whole, "PNG")
    path = tmp_path / "half.png"
    path.write_bytes(whole.getvalue()[:100])
    with pytest.raises(DataError, match=r"half\.png"):
        digit.read([path])
