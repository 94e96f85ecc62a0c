"""Pictures of a network's filters and of its feature maps of an image."""

from pathlib import Path

import numpy as np
from matplotlib import style
from matplotlib.colors import LinearSegmentedColormap

from np_nn.plots.figure import COLOURS, STYLE, new_figure, save_figure
from np_nn.plots.names import shorts
from np_nn.plots.pixels import INK, raster

BLUE, ORANGE = COLOURS["numpy"], COLOURS["torch"]
SIGNED = LinearSegmentedColormap.from_list("signed", [BLUE, "white", ORANGE])
FRAME = "#BBBBBB"  # colour of the frame around an image
MOST = 16  # maximum number of maps drawn per layer
MOST_NAMES = 32  # maximum number of names below an axis


def plot_filters(filters, path, title, note="") -> Path:
    """Draw small images of weights, eight in a row: orange above 0, blue below, white at 0.

    filters (n, h, w): one channel of a convolution's weights; or (n, 3, h, w), drawn in colour,
    grey at 0. note: a line under the title. Returns `path` as a Path. Raises NpNNError if the
    file cannot be written.
    """
    rows = -(-len(filters) // 8)
    with style.context(["default", STYLE]):
        figure = new_figure(title, note, height=0.9 + 0.9 * rows)
        _draw_filters(figure.add_subplot(), filters, 8, np.abs(filters).max() or 1)
        return save_figure(figure, path)


def plot_filters_learnt(stages, path, title, note="") -> Path:
    """Draw the same filters at different times, side by side, four in a row.

    stages: {time: filters (n, h, w)}, or (n, 3, h, w), drawn in colour. note: a line under the
    title. The colours of each time end at its 99th percentile, so that a few large weights do not
    make all others pale. Returns `path` as a Path. Raises NpNNError if the file cannot be written.
    """
    rows = max(-(-len(filters) // 4) for filters in stages.values())
    with style.context(["default", STYLE]):
        figure = new_figure(title, note, height=1.8 + 0.95 * rows)
        figure.get_layout_engine().set(h_pad=0.1, w_pad=0.2)  # else one half touches the other
        panels = figure.subplots(1, len(stages), squeeze=False)[0]
        for axes, (time, filters) in zip(panels, stages.items(), strict=True):
            reach = np.percentile(np.abs(filters), 99) or 1
            _draw_filters(axes, filters, 4, reach, location="bottom", shrink=0.8, extend="both")
            axes.set_title(time)
        return save_figure(figure, path)


def plot_feature_weights(stages, columns, path, title, note="") -> Path:
    """Draw units' weights for the features of a table, one panel per time, below each other.

    Returns `path` as a Path.

    Args:
        stages: {time: weights (n, I)}: a row for each unit, a column for each feature; orange
            above 0, blue below.
        columns: names of the features, written if there are at most MOST_NAMES.
        path: path of the picture.
        title: title of the picture.
        note: a line under the title.

    Raises:
        NpNNError: if the file cannot be written.
    """
    rows = sum(map(len, stages.values()))
    with style.context(["default", STYLE, {"axes.grid": False}]):
        figure = new_figure(title, note, height=2.6 + 0.16 * rows)
        panels = figure.subplots(len(stages), 1, sharex=True, squeeze=False)[:, 0]
        for axes, (time, weights) in zip(panels, stages.items(), strict=True):
            reach = np.abs(weights).max() or 1
            shown = axes.imshow(weights, cmap=SIGNED, vmin=-reach, vmax=reach, aspect="auto")
            figure.colorbar(shown, ax=axes, ticks=[-reach, 0, reach], format="{x:.2g}")
            axes.set(title=time, ylabel="unit", yticks=[])
        axes.set_xlabel("feature")
        if len(columns) <= MOST_NAMES:
            look = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"}
            axes.set_xticks(range(len(columns)), shorts(columns), **look)
        return save_figure(figure, path)


def plot_feature_maps(image, stages, shares, path, title) -> Path:
    """Draw the feature maps of an image, layer by layer, and the output probabilities.

    Returns `path` as a Path.

    Args:
        image: (h, w) or (C, h, w).
        stages: (name, maps (channels, h, w)) of each layer; the first MOST maps are drawn, white
            at 0 and black at the layer's largest number.
        shares: {class: probability, 0..1}.
        path: path of the picture.
        title: title of the picture.

    Raises:
        NpNNError: if the file cannot be written.
    """
    counts = [min(len(maps), MOST) for _, maps in stages]
    heights = [1.5, *(0.35 + 7.6 / count for count in counts)]
    with style.context(["default", STYLE]):
        figure = new_figure(title, "", height=0.6 + sum(heights))
        top, *parts = figure.subfigures(1 + len(stages), 1, height_ratios=heights)
        left, right = top.subplots(1, 2, width_ratios=[1, 5])
        draw_tiles(left, raster(image)[None], 1, **INK)
        left.set_title("input")
        _draw_shares(right, shares)
        for part, (name, maps), count in zip(parts, stages, counts, strict=True):
            axes = part.subplots()
            draw_tiles(axes, maps[:count], count, cmap="Greys", vmin=0, vmax=maps.max() or 1)
            some = f"{count} of {len(maps)}" if count < len(maps) else len(maps)
            axes.set_title("{}: {} maps of {} x {}".format(name, some, *maps.shape[1:]))
        return save_figure(figure, path)


def _draw_filters(axes, filters, columns, reach, **bar):
    """Draw filters in full colour at ±`reach`, with a colour bar; bar: options of its place."""
    if filters.ndim == 4:
        colour = np.clip(0.5 + filters / (2 * reach), 0, 1)
        draw_tiles(axes, np.moveaxis(colour, 1, -1), columns)
        text = f"grey: 0, full colour: ±{reach:.2g}"
        axes.text(0.5, -0.03, text, transform=axes.transAxes, ha="center", va="top")
        return
    draw_tiles(axes, filters, columns, cmap=SIGNED, vmin=-reach, vmax=reach)
    ticks = [-reach, 0, reach]
    axes.figure.colorbar(axes.images[0], ax=axes, ticks=ticks, format="{x:.2g}", **bar)


def draw_tiles(axes, images, columns, **look):
    """Draw images (n, h, w), or (n, h, w, 3) of 0..1, side by side, with gaps between them."""
    n, height, width = images.shape[:3]
    down, across = height + _gap(height), width + _gap(width)
    empty = np.nan if images.ndim == 3 else 1.0  # white
    size = -(-n // columns) * down, columns * across, *images.shape[3:]
    tiles = np.full(size, empty, np.float32)
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
    """Draw bars of probabilities, the largest one in orange."""
    values = list(shares.values())
    colours = [ORANGE if value == max(values) else BLUE for value in values]
    bars = axes.bar(shorts(shares), values, color=colours)
    axes.bar_label(bars, [f"{value:.0%}" if value >= 0.005 else "" for value in values])
    axes.set(title="output: probability of each class", ylim=(0, 1.25), yticks=[])
    axes.grid(False)
