"""Digits rendered in matplotlib's fonts, like a user's image files.

``python -m tests.support.rendered_digits`` prints the accuracy of fast99conv on them, and on
MNIST's test images after the digit preparation.
"""

from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

import np_nn as nn
from np_nn import cli, recipes
from np_nn.data import digit
from np_nn.recipes import build
from np_nn.recipes.prepare import prepare
from np_nn.recipes.run import train
from np_nn.utils.markdown import markdown_table

FONTS = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
STYLES = {  # family: files; others have symbols, cmmi10 old-style figures
    "DejaVuSans": ("", "-Bold", "-Oblique", "-BoldOblique"),
    "DejaVuSansMono": ("", "-Bold", "-Oblique", "-BoldOblique"),
    "DejaVuSerif": ("", "-Bold", "-Italic", "-BoldItalic"),
    "STIXGeneral": ("", "Bol", "Italic", "BolIta"),
    "cm": ("r10", "b10", "ti10", "ss10", "tt10"),
}
NAMES = [f"{family}{style}" for family, styles in STYLES.items() for style in styles]
SIZES = (20, 300)  # font size in pixels
ANGLE = 15  # maximum rotation in degrees
INKS = {  # look: (ink, paper), each from darkest to lightest, of 0 to 255
    "dark on light": ((0, 60), (220, 255)),
    "light on dark": ((200, 255), (0, 50)),
    "on grey paper": ((0, 50), (120, 190)),
    "on a gradient": ((0, 40), (130, 255)),
    "in colour on white": (None, (235, 255)),
    "in colour on black": (None, (0, 25)),
}
COLOURS = ((200, 30, 30), (30, 60, 200), (20, 130, 50), (230, 120, 0), (150, 40, 160))


def rendered(count, seed):
    """Yield (RGB image, digit) `count` times: each digit equally often, everything else random."""
    rng = np.random.default_rng(seed)
    for label in rng.permutation(np.arange(count) % 10):
        yield _render(int(label), rng), int(label)


def _render(label, rng):
    """Draw one digit with random font, size, stroke, colours, place and rotation."""
    size = int(np.exp(rng.uniform(*np.log(SIZES))))
    font = ImageFont.truetype(str(FONTS / f"{rng.choice(NAMES)}.ttf"), size)
    stroke = int(rng.integers(0, 1 + size // 25))  # additional width in pixels
    mask = _mask(str(label), font, stroke, rng)
    ink, paper = _look(rng, mask.shape)
    pixels = paper + mask[..., None] * (ink - paper) + rng.normal(0, rng.uniform(0, 4), paper.shape)
    return Image.fromarray(np.clip(pixels, 0, 255).round().astype(np.uint8))


def _mask(text, font, stroke, rng):
    """Return ink (H, W) 0..1: the text, rotated, at a random place of a larger page."""
    left, top, right, bottom = font.getbbox(text, stroke_width=stroke)
    width, height = right - left, bottom - top
    side = int(max(width, height) * rng.uniform(1.5, 2.5))
    page = Image.new("L", (side, side))
    place = side / 2 - np.array([left + right, top + bottom]) / 2
    ImageDraw.Draw(page).text(tuple(place), text, 255, font, stroke_width=stroke)
    slack = (side - 1.3 * max(width, height)) / 2  # to the page's edge, at any rotation
    shift = rng.uniform(-max(slack, 0), max(slack, 0), 2)
    turned = page.rotate(
        rng.uniform(-ANGLE, ANGLE), Image.Resampling.BICUBIC, translate=tuple(shift)
    )
    return np.asarray(turned, np.float64) / 255


def _look(rng, shape):
    """Return the ink's colour (3,) and the paper's colours (H, W, 3)."""
    look = str(rng.choice(list(INKS)))
    inks, papers = INKS[look]
    ink = rng.choice(COLOURS) if inks is None else np.repeat(rng.uniform(*inks), 3)
    paper = np.full((*shape, 3), rng.uniform(*papers))
    if look == "on a gradient":
        y, x = (np.linspace(-1, 1, side) for side in shape)
        angle = rng.uniform(0, 2 * np.pi)
        along = y[:, None, None] * np.sin(angle) + x[:, None] * np.cos(angle)  # -1.4 to 1.4
        paper = np.mean(papers) + along / np.sqrt(8) * np.ptp(papers) + 0 * paper
    return ink.astype(np.float64), paper


# ---- Reading them -----------------------------------------------------------------------------


def trained(recipe, seed):
    """Return a recipe's network, trained on MNIST from a seed."""
    settings = recipes.RECIPES[recipe]
    data = prepare(settings, nn.load("mnist", download=False))
    model = build.model(settings, data, seed)
    train(settings, data, seed, quiet=True, model=model)
    return model


def resized(image):
    """Return an image as 28 x 28 grey pixels, without any preparation."""
    return np.asarray(image.convert("L").resize((digit.FIELD, digit.FIELD)))


def prepared(image):
    """Return an image after the digit preparation."""
    return digit.prepare(np.asarray(image.convert("RGB")).transpose(2, 0, 1))


def right(model, images, labels):
    """Return a network's accuracy on images (n, 28, 28)."""
    split = model.info.preparation.split(np.stack(images), np.asarray(labels))
    return nn.evaluate(model, split).accuracy


def main(argv=None):
    command = cli.Parser(description=__doc__)
    command.add_argument("--count", type=cli.whole_number(1), default=400, metavar="N")
    command.add_argument("--seeds", type=cli.whole_number(1), default=3, metavar="N")
    command.add_argument("--recipe", default="fast99conv", metavar="NAME")
    args = command.parse_args(argv)
    pictures, digits = zip(*rendered(args.count, seed=0), strict=True)
    test = nn.load("mnist", download=False).test
    files = [prepared(Image.fromarray(image)) for image in test.images]
    plain, ours = ([look(image) for image in pictures] for look in (resized, prepared))
    rows = []
    for seed in range(args.seeds):
        model = trained(args.recipe, seed)
        scores = (right(model, images, digits) for images in (plain, ours))
        own = (right(model, images, test.labels) for images in (test.images, files))
        rows.append((seed, *(f"{share:.4f}" for share in (*scores, *own))))
    header = ("seed", "rendered, resized", "rendered, prepared", "MNIST", "MNIST, prepared")
    print(markdown_table(header, rows))
    return 0


if __name__ == "__main__":
    cli.run(main)
