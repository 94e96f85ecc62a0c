"""What a network has learnt: its filters, what they make of an image, and what it mistakes."""

import io
from pathlib import Path

import numpy as np
from matplotlib import style
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.image import imsave

from np_nn.analysis.metrics import confusion, surest_errors
from np_nn.plots.figure import COLOURS, FORMATS, STYLE, new_figure, save_figure

BLUE, ORANGE = COLOURS["numpy"], COLOURS["torch"]
SIGNED = LinearSegmentedColormap.from_list("signed", [BLUE, "white", ORANGE])
COUNTS = LinearSegmentedColormap.from_list("counts", ["white", ORANGE])
FRAME = "#BBBBBB"  # around an image
ACROSS, DOWN = 5, 4  # images in the picture of errors
MOST = 16  # maps of a layer that are drawn


def plot_filters(filters, path, title, note="") -> Path:
    """Draw small images of weights, eight in a row: orange above 0, blue below, white at 0.

    filters (n, h, w): one channel of a convolution's weights. note: a line under the title.
    Returns `path` as a Path. Raises NpNNError when the file cannot be written.
    """
    rows = -(-len(filters) // 8)
    with style.context(["default", STYLE]):
        figure = new_figure(title, note, height=0.9 + 0.9 * rows)
        _draw_filters(figure.add_subplot(), filters, 8, np.abs(filters).max())
        return save_figure(figure, path)


def plot_filters_learnt(stages, path, title, note="") -> Path:
    """Draw the same filters at different times, side by side, four in a row.

    stages: {time: filters (n, h, w)}. note: a line under the title. Each time has a scale of its
    own, which leaves out the largest 1 %, else all others would be pale. Returns `path` as a
    Path. Raises NpNNError when the file cannot be written.
    """
    rows = max(-(-len(filters) // 4) for filters in stages.values())
    with style.context(["default", STYLE]):
        figure = new_figure(title, note, height=1.8 + 0.95 * rows)
        figure.get_layout_engine().set(h_pad=0.1, w_pad=0.2)  # else one half touches the other
        panels = figure.subplots(1, len(stages), squeeze=False)[0]
        for axes, (time, filters) in zip(panels, stages.items(), strict=True):
            reach = np.percentile(np.abs(filters), 99)
            _draw_filters(axes, filters, 4, reach, location="bottom", shrink=0.8, extend="both")
            axes.set_title(time)
        return save_figure(figure, path)


def plot_feature_maps(image, stages, shares, path, title) -> Path:
    """Draw what layer after layer makes of an image, and what comes out in the end.

    image (h, w). stages: (name, maps (channels, h, w)) of each layer; of its maps the first MOST
    are drawn, white at 0 and black at the layer's largest number. shares: {class: 0..1}. Returns
    `path` as a Path. Raises NpNNError when the file cannot be written.
    """
    counts = [min(len(maps), MOST) for _, maps in stages]
    heights = [1.5, *(0.35 + 7.6 / count for count in counts)]
    with style.context(["default", STYLE]):
        figure = new_figure(title, "", height=0.6 + sum(heights))
        top, *parts = figure.subfigures(1 + len(stages), 1, height_ratios=heights)
        left, right = top.subplots(1, 2, width_ratios=[1, 5])
        draw_tiles(left, image[None], 1, cmap="Greys")
        left.set_title("input")
        _draw_shares(right, shares)
        for part, (name, maps), count in zip(parts, stages, counts, strict=True):
            axes = part.subplots()
            draw_tiles(axes, maps[:count], count, cmap="Greys", vmin=0, vmax=maps.max() or 1)
            some = f"{count} of {len(maps)}" if count < len(maps) else len(maps)
            axes.set_title("{}: {} maps of {} x {}".format(name, some, *maps.shape[1:]))
        return save_figure(figure, path)


def plot_confusion(labels, answers, classes, path, title, note="") -> Path:
    """Draw how often each class was taken for which.

    labels, answers (n,) int; classes: their names. A row for each class: how many of its images
    were taken for the class of the column; mistakes the more orange, the more there are. note: a
    warning, drawn under the title. Returns `path` as a Path. Raises NpNNError when the file
    cannot be written.
    """
    counts = confusion(labels, answers, len(classes))
    with style.context(["default", STYLE, {"axes.grid": False}]):
        figure = new_figure(title, note, height=6.4)
        _draw_confusion(figure.add_subplot(), counts, classes)
        return save_figure(figure, path)


def plot_errors(images, labels, scores, classes, path, title, note="", form="{:.1%}") -> Path:
    """Draw the images that were mistaken, those first of whose wrong class most was thought.

    images (n, h, w); labels (n,) int; scores (n, classes): of each class, the largest is the
    answer. Above an image: the answer, and what it is; both with their scores, written by
    `form`. note: a warning, drawn under the title. Returns `path` as a Path. Raises NpNNError
    when the file cannot be written.
    """
    answers = scores.argmax(axis=1)
    shown = surest_errors(labels, scores, ACROSS * DOWN)
    rows = max(1, -(-len(shown) // ACROSS))
    with style.context(["default", STYLE]):
        figure = new_figure(title, note, height=0.8 + 1.7 * rows)
        axes = figure.add_subplot()
        for place, index in enumerate(shown):
            answer, label = (
                f"{classes[c]} ({form.format(scores[index, c])})"
                for c in (answers[index], labels[index])
            )
            y, x = divmod(place, ACROSS)
            _draw_error(axes, 1.6 * x, 1.7 * y, images[index], answer, f"is {label}")
        axes.set(xlim=(0, 1.6 * ACROSS), ylim=(1.7 * rows, 0), aspect="equal")
        axes.axis("off")
        return save_figure(figure, path)


def _draw_error(axes, x, y, image, answer, label):
    """An image below two lines, in the inches from (x, y) to the right and down."""
    left, right, top, bottom = x + 0.2, x + 1.4, y + 0.45, y + 1.65
    axes.imshow(image, cmap="Greys", extent=(left, right, bottom, top))
    corners = [left, right, right, left, left], [top, top, bottom, bottom, top]
    axes.plot(*corners, color=FRAME, lw=0.6)
    where = {"ha": "center", "va": "bottom"}
    axes.text(x + 0.8, y + 0.21, answer, color=ORANGE, **where)
    axes.text(x + 0.8, y + 0.41, label, **where)


def _draw_filters(axes, filters, columns, reach, **bar):
    """In full colour at `reach`, with a bar of colours beside them, which ``bar`` places."""
    draw_tiles(axes, filters, columns, cmap=SIGNED, vmin=-reach, vmax=reach)
    ticks = [-reach, 0, reach]
    axes.figure.colorbar(axes.images[0], ax=axes, ticks=ticks, format="{x:.2g}", **bar)


def draw_image(image) -> bytes:
    """A PNG of an image (h, w), a pixel for each of its own: black where it is largest."""
    content = io.BytesIO()
    imsave(content, image, cmap="Greys", format="png", metadata=FORMATS["png"])
    return content.getvalue()


def draw_tiles(axes, images, columns, **look):
    """Images (n, h, w) side by side, with gaps between them."""
    n, height, width = images.shape
    down, across = height + _gap(height), width + _gap(width)
    tiles = np.full((-(-n // columns) * down, columns * across), np.nan, np.float32)
    for i, image in enumerate(images):
        y, x = i // columns * down, i % columns * across
        tiles[y : y + height, x : x + width] = image
        frame = (x - 0.5, x + width - 0.5, x + width - 0.5, x - 0.5, x - 0.5)
        sides = (y - 0.5, y - 0.5, y + height - 0.5, y + height - 0.5, y - 0.5)
        axes.plot(frame, sides, color=FRAME, lw=0.6, clip_on=False)
    axes.imshow(tiles[: -_gap(height), : -_gap(width)], **look)
    axes.axis("off")


def _gap(size):
    return max(1, size // 8)


def _draw_shares(axes, shares):
    """Bars of probabilities, the largest one in orange."""
    values = list(shares.values())
    colours = [ORANGE if value == max(values) else BLUE for value in values]
    bars = axes.bar(list(shares), values, color=colours)
    axes.bar_label(bars, [f"{value:.0%}" if value >= 0.005 else "" for value in values])
    axes.set(title="output: probability of each class", ylim=(0, 1.25), yticks=[])
    axes.grid(False)


def _draw_confusion(axes, counts, classes):
    size = range(len(classes))
    mistakes = counts * (1 - np.eye(len(classes), dtype=int))
    most = mistakes.max() or 1
    axes.imshow(mistakes, cmap=COUNTS, vmin=0, vmax=1.3 * most)
    for row in size:
        for column in size:
            if count := counts[row, column]:
                look = {"weight": "bold", "color": "#595959"} if row == column else {}
                axes.text(column, row, f"{count:,}", ha="center", va="center", **look)
        if there := counts[row].sum():
            right = f"{counts[row, row] / there:.1%} right"
            axes.text(len(classes) - 0.3, row, right, va="center")
    axes.set(xlabel="the network's answer", ylabel="what it is")
    axes.set_xticks(size, classes, rotation=45 if max(map(len, classes)) > 3 else 0)
    axes.set_yticks(size, classes)
    axes.tick_params(length=0)
