"""Draw the two pictures of docs/kernels/why_fast.md: python docs/pictures/why_fast.py.

where_the_pixels_are.png is computed from MNIST, step_by_step.png drawn from the table below.
"""

import sys
from pathlib import Path

import numpy as np
from matplotlib import style
from matplotlib.colors import LinearSegmentedColormap, ListedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

import np_nn as nn
from np_nn.plots import COLOURS, STYLE, save_figure
from np_nn.utils.errors import NpNNError

FOLDER = Path(__file__).parent
BATCH = 256

# Milliseconds of a step of 784-512-10, batch 256, float32, SGD, on 2 cores of an AMD EPYC
# (Zen 5), 2 threads: each phase by itself, the least of at least 100 calls on fresh batches.
# Dense: NumPy and OpenBLAS, the lines of benchmarks/contenders/by_hand.py. Ours: the C functions,
# on aligned and padded arrays as kernels/mlp/steps.h has them; a whole step adds its barriers.
# `make bench` times whole steps of both, and by itself each kernel that Python can call.
PHASES = (
    # phase, the parts of the dense step, the parts of ours
    ("the batch: gather / sort by columns", (0.068,), (0.029,)),
    ("first layer: product, bias, ReLU", (0.830, 0.059), (0.196,)),
    ("output layer and loss", (0.026, 0.041), (0.015, 0.008)),
    ("backward through W2, its update", (0.051, 0.034), (0.015, 0.018)),
    ("first layer: gradient and update", (0.820, 0.040, 0.011), (0.165, 0.007)),
)
DENSE, OURS = COLOURS["numpy"], COLOURS["compiled"]
PALE, INKED = "#E9E9E9", "#8FB8D6"
SHORT = ("batch", "first layer, forward", "output layer", "backward", "first layer, update")


def main():
    images = nn.load("mnist").train.images
    print(draw_pixels(images.reshape(len(images), -1), FOLDER / "where_the_pixels_are.png"))
    print(draw_steps(FOLDER / "step_by_step.png"))


def draw_pixels(images, path):
    """Draw the non-zero pixels of the training set (M, 784), and of its first batch."""
    filled = images[:BATCH] != 0
    inked = filled.any(axis=0)
    with style.context(["default", STYLE, {"axes.grid": False}]):
        figure = Figure(figsize=(8, 5.8))
        _title(figure, "Four of five pixels are zero, and we do not multiply them")
        _draw_digit(_axes(figure, 20, 90, 230, 230), images[0])
        _draw_shares(_axes(figure, 295, 90, 230, 230), _axes(figure, 535, 90, 12, 230), images)
        _draw_counts(_axes(figure, 620, 90, 320, 230), filled, inked)
        _draw_batch(figure, filled, inked)
        return save_figure(figure, path)


def _title(figure, text):
    high = figure.get_figheight()
    figure.text(0.016, 1 - 0.12 / high, text, va="top", size=13, weight="bold")


def _axes(figure, left, top, width, height):
    """Add axes at this distance, in pixels, from the left and from the top."""
    wide, high = figure.get_size_inches() * figure.dpi
    return figure.add_axes((left / wide, 1 - (top + height) / high, width / wide, height / high))


def _draw_digit(axes, image):
    """Draw one image; zero pixels stay white."""
    ink = LinearSegmentedColormap.from_list("ink", ["#A8DCCB", OURS, "#00382A"])
    ink.set_bad("white")
    axes.imshow(np.ma.masked_equal(image.reshape(28, 28), 0), cmap=ink)
    axes.set_xticks(np.arange(29) - 0.5, [])
    axes.set_yticks(np.arange(29) - 0.5, [])
    axes.grid(color=PALE, lw=0.6)
    axes.tick_params(length=0)
    axes.spines[:].set(visible=True, color=PALE)
    axes.set_title(f"one image: {np.count_nonzero(image)} of 784")


def _draw_shares(axes, scale, images):
    """Draw the share of images in which each pixel is not zero."""
    share = np.count_nonzero(images, axis=0) / len(images)
    picture = axes.imshow(share.reshape(28, 28), cmap="Greens", vmin=0)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set(visible=True, color=PALE)
    axes.set_title(f"how often, in {len(images):,} images")
    bar = axes.figure.colorbar(picture, cax=scale)
    scale.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    scale.tick_params(labelsize=9, length=0)
    bar.outline.set_visible(False)


def _draw_counts(axes, filled, inked):
    """Draw the counts of numbers: all, those in columns with ink, and those not zero."""
    bars = (
        ("dense: all of them", filled.size, DENSE, "white"),
        ("in columns with any ink", inked.sum() * len(filled), INKED, "black"),
        ("not zero: ours", np.count_nonzero(filled), OURS, "black"),
    )
    for place, (text, count, colour, letters) in enumerate(bars):
        inside = count > filled.size / 2
        where = {"ha": "right" if inside else "left", "x": count + (-4000 if inside else 4000)}
        axes.barh(place, count, height=0.42, color=colour)
        axes.text(0, place - 0.27, text, va="bottom")
        text = f"{count:,}   {count / filled.size:.0%}"
        axes.text(y=place, s=text, va="center", weight="bold", color=letters, **where)
    axes.set(xticks=[], yticks=[], xlim=(0, filled.size), ylim=(2.22, -0.6))
    axes.spines[:].set_visible(False)
    axes.set_title(f"numbers in a batch of {len(filled)}")


def _draw_batch(figure, filled, inked):
    """Draw the batch as a matrix, one pixel per number."""
    images, columns = filled.shape
    matrix = _axes(figure, 100, 374, columns, images)
    matrix.imshow(filled, cmap=ListedColormap(["white", OURS]), interpolation="nearest")
    matrix.set(xticks=[], yticks=[4, images - 5], yticklabels=["image 1", images])
    matrix.spines[:].set(visible=True, color="#B0B0B0")
    matrix.tick_params(length=0)
    matrix.set_title(f"this batch as a matrix, {images} by {columns}, a column for each pixel")
    strip = _axes(figure, 100, 374 + images + 6, columns, 14)
    strip.imshow(
        inked[None],
        cmap=ListedColormap([PALE, INKED]),
        aspect="auto",
        interpolation="nearest",
    )
    strip.set(xticks=[], yticks=[0], yticklabels=["ink?"])
    strip.tick_params(length=0)
    strip.spines[:].set_visible(False)
    strip.set_xlabel(
        f"{inked.sum()} columns have ink in some image; plain SGD does not touch "
        f"the weights of the other {columns - inked.sum()}",
        labelpad=7,
    )


def draw_steps(path):
    """Draw a dense step and np_nn's: on one time axis, then phase by phase."""
    dense = [sum(parts) for _, parts, _ in PHASES]
    ours = [sum(parts) for _, _, parts in PHASES]
    with style.context(["default", STYLE]):
        figure = Figure(figsize=(8, 5.5))
        _title(figure, "Where the time of a training step goes: 784-512-10, batch 256, 2 threads")
        _draw_whole(_axes(figure, 145, 74, 790, 140), (dense, ours))
        _draw_phases(_axes(figure, 345, 290, 590, 355), dense, ours)
        return save_figure(figure, path)


def _draw_whole(axes, steps):
    for place, (times, colour) in enumerate(zip(steps, (DENSE, OURS), strict=True)):
        starts = np.cumsum([0, *times[:-1]])
        axes.barh(place, times, left=starts, height=0.66, color=colour, ec="white", lw=1.5)
        axes.text(sum(times) + 0.02, place, f"{sum(times):.2f} ms", va="center", weight="bold")
        for start, time, text in zip(starts, times, SHORT, strict=True):
            if time > 0.4:  # room for its name
                axes.text(start + time / 2, place, text, color="white", va="center", ha="center")
    axes.set(yticks=(0, 1), yticklabels=("dense: NumPy", "ours"), ylim=(1.5, -0.5))
    axes.set(xlim=(0, 2.3), xlabel="ms", title="the phases end to end")
    axes.xaxis.set_label_coords(0.99, -0.06)
    axes.grid(axis="y", visible=False)
    axes.set_axisbelow(True)
    axes.tick_params(length=0)


def _draw_phases(axes, dense, ours):
    places = np.arange(len(PHASES))
    for offset, times, colour in ((-0.19, dense, DENSE), (0.19, ours, OURS)):
        bars = axes.barh(places + offset, times, height=0.36, color=colour)
        texts = [
            f"{time:.2f}" if times is dense else f"{time:.2f}   {before / time:.1f} times faster"
            for time, before in zip(times, dense, strict=True)
        ]
        axes.bar_label(bars, texts, padding=4)
    axes.set(yticks=places, yticklabels=[text for text, _, _ in PHASES])
    axes.set(xticks=[], xlim=(0, 1), title="phase by phase, ms")
    axes.invert_yaxis()
    axes.grid(False)
    axes.spines["bottom"].set_visible(False)
    axes.tick_params("y", length=0)


if __name__ == "__main__":
    try:
        main()
    except NpNNError as error:
        print(f"why_fast.py: error: {error}", file=sys.stderr)
        sys.exit(2)
