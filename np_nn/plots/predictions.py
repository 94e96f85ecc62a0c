"""Pictures of predictions: each file as the network got it, and its scores of the classes."""

from pathlib import Path

import numpy as np
from matplotlib import style

from np_nn.plots.figure import STYLE, new_figure, save_figure
from np_nn.plots.images import BLUE, FRAME, ORANGE

ACROSS = 2  # samples side by side
MOST = 60  # maximum number of samples drawn
WIDTH, HEIGHT, IMAGE = 3.8, 1.55, 1.2  # size of a sample, and side of its image, in inches
BAR = 0.9  # length of a bar of the value 1, in inches
LONGEST = 42  # maximum characters of a file's name
GREY = "#595959"


def plot_predictions(images, names, tops, path, title, form="{:.1%}") -> Path:
    """Draw each sample as the network got it, with bars of its top classes.

    Args:
        images: (n, h, w) or (n, 3, h, w); of more than MOST, the first are drawn.
        names: file name of each sample, written above it.
        tops: [(class name, value)] of each sample, best first.
        path: path of the picture.
        title: title of the picture.
        form: format of a value.

    Returns:
        `path` as a Path.

    Raises:
        NpNNError: if the file cannot be written.
    """
    shown = min(len(images), MOST)
    rows = -(-shown // ACROSS)
    left_out = f"the first {shown} of {len(images):,} samples" if shown < len(images) else ""
    with style.context(["default", STYLE]):
        figure = new_figure(title, left_out, height=0.8 + HEIGHT * rows)
        axes = figure.add_subplot()
        for place in range(shown):
            y, x = divmod(place, ACROSS)
            corner = WIDTH * x, HEIGHT * y
            _draw_image(axes, *corner, images[place], names[place])
            _draw_bars(axes, *corner, tops[place], form)
        axes.set(xlim=(-0.1, WIDTH * ACROSS), ylim=(HEIGHT * rows, 0), aspect="equal")
        axes.axis("off")
        return save_figure(figure, path)


def _draw_image(axes, x, y, image, name):
    image = np.moveaxis(image, 0, -1) if image.ndim == 3 else image
    height, width = IMAGE * np.array(image.shape[:2]) / max(image.shape[:2])
    left, right, top, bottom = x, x + width, y + 0.25, y + 0.25 + height
    look = {"vmin": 0, "vmax": 255} if image.dtype == np.uint8 else {}
    axes.imshow(image, cmap="gray", extent=(left, right, bottom, top), **look)
    corners = [left, right, right, left, left], [top, top, bottom, bottom, top]
    axes.plot(*corners, color=FRAME, lw=0.6)
    text = name if len(name) <= LONGEST else f"...{name[3 - LONGEST :]}"
    axes.text(x, y + 0.2, text, color=GREY, parse_math=False)


def _draw_bars(axes, x, y, top, form):
    most = max(1, max(abs(value) for _, value in top))
    step = min(0.3, IMAGE / len(top))
    for place, (name, value) in enumerate(top):
        middle = y + 0.25 + step * (place + 0.5)
        colour, weight = (BLUE, "normal") if place else (ORANGE, "bold")
        where = {"va": "center", "parse_math": False}
        text = name if len(name) <= 9 else f"{name[:8]}…"
        axes.text(x + IMAGE + 0.1, middle, text, weight=weight, **where)
        start, length = x + IMAGE + 0.95, BAR * max(value, 0) / most
        axes.barh(middle, length, 0.7 * step, left=start, color=colour)
        axes.text(start + length + 0.05, middle, form.format(value), **where)
