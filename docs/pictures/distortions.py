"""Draw distortions.png, the distortions of np_nn.data: python docs/pictures/distortions.py."""

import sys
from pathlib import Path

import numpy as np
from matplotlib import style
from matplotlib.figure import Figure

import np_nn as nn
from np_nn.data.augmentation import Affine, Compose, Elastic, Shift
from np_nn.data.preprocess import deskew
from np_nn.plots import COLOURS, STYLE, save_figure
from np_nn.utils.errors import NpNNError

PATH = Path(__file__).with_name("distortions.png")
COUNT = 10  # digits in a row

# How each row is made of the one digit on its left.
ROWS = (
    ("shift", "Shift(pixels=2)", Shift(pixels=2)),
    ("affine", "Affine(rotate=15,\n  scale=0.15)", Affine(rotate=15, scale=0.15)),
    ("elastic", "Elastic(alpha=34,\n  sigma=4)", Elastic(alpha=34, sigma=4)),
    ("both", "Compose([Affine(),\n  Elastic()])", Compose([Affine(), Elastic()])),
)


def main():
    mnist = nn.load("mnist").train
    print(draw(mnist, PATH))


def draw(mnist, path):
    """Draw ten digits, raw and deskewed; below, one of them distorted ten times each way."""
    digits = slanted(mnist)
    bands = [("as written", "MNIST", digits), ("deskewed", "deskew(images)", deskew(digits))]
    rng = np.random.default_rng(0)
    five = np.repeat(digits[5:6], COUNT, axis=0)
    bands += [(name, code, augment(five, rng)) for name, code, augment in ROWS]
    with style.context(["default", STYLE, {"axes.grid": False}]):
        figure = Figure(figsize=(8, 4.7))
        figure.text(0.016, 0.978, "The same digits, easier to read, or never the same twice",
                    va="top", size=13, weight="bold")  # fmt: skip
        for place, band in enumerate(bands):
            _draw_band(figure, 0.79 - 0.14 * place - (0.06 if place > 1 else 0), *band)
        figure.text(0.219, 0.609, "the 5, anew in every epoch", va="center", color="#595959")
        return save_figure(figure, path)


def slanted(mnist):
    """Return an image of each class, (10, 28, 28), among those that deskewing changes most."""
    chosen = []
    for digit in range(COUNT):
        images = mnist.images[:4000][mnist.labels[:4000] == digit]
        change = np.abs(deskew(images).astype(int) - images).sum(axis=(1, 2))
        chosen.append(images[np.argsort(change)[int(0.85 * len(images))]])
    return np.stack(chosen)


def _draw_band(figure, bottom, name, code, images):
    """Draw a row of images, with its label on the left."""
    figure.text(0.016, bottom + 0.1, name, va="center", weight="bold", color=COLOURS["compiled"])
    figure.text(0.016, bottom + 0.078, code, va="top", size=8.5, family="monospace")
    strip = np.pad(images, ((0, 0), (1, 1), (1, 1)))
    axes = figure.add_axes((0.213, bottom, 0.775, 0.13))
    axes.imshow(np.hstack(strip), cmap="gray_r", interpolation="nearest", aspect="equal")
    axes.set(xticks=np.arange(1, COUNT) * strip.shape[2] - 0.5, yticks=[])
    axes.tick_params(length=0, labelbottom=False)
    axes.grid(axis="x", color="#D8D8D8", lw=0.8)
    axes.spines[:].set(visible=True, color="#D8D8D8")


if __name__ == "__main__":
    try:
        main()
    except NpNNError as error:
        print(f"distortions.py: error: {error}", file=sys.stderr)
        sys.exit(2)
