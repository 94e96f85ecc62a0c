"""Picture of one image's forward and backward pass: each layer's output and its gradient.

Each gradient is drawn below its array and has the same shape.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from matplotlib import style
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from np_nn.plots.figure import STYLE, new_figure, save_figure
from np_nn.plots.images import BLUE, MOST, ORANGE, SIGNED, draw_tiles
from np_nn.plots.names import shorts
from np_nn.plots.pixels import raster

ACROSS = 5  # maximum number of panels side by side
LONGEST = 10  # maximum characters of a name beside a bar
GREY = "#595959"
MARGIN = 0.008  # left margin of the title, as a fraction of the width
MEANING = {
    ORANGE: "above 0; in a gradient: more of this number means more loss",
    BLUE: "below 0; in a gradient: more of this number means less loss",
    "white": "0; below each map stands what full colour is",
}


@dataclass(frozen=True, eq=False)
class Panel:
    """Array of a pass, and the gradient of the loss with respect to it.

    name: its letter, such as "h". made: its formula, such as "h = x W + b"; back: the formula of
    its gradient, such as "= dL/da if h > 0". values, grad: (n,), (H, W) or (C, H, W), of the same
    shape. mark: index (of n) of the unit to frame. kind: "image" of ink, "photo", "maps", or
    "bars" for one number per name. names: of the n bars.
    """

    name: str
    made: str
    back: str
    values: np.ndarray
    grad: np.ndarray
    kind: str = "maps"
    mark: int | None = None
    names: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Answer:
    """Output of a network: values (C,) of the classes, and their target (C,).

    made: formula, as of a Panel. loss: lines of text that explain the loss. left_out: number of
    classes without a bar, for lack of room.
    """

    made: str
    classes: tuple[str, ...]
    values: np.ndarray
    target: np.ndarray
    loss: str
    left_out: int = 0


@dataclass(frozen=True, eq=False)
class Story:
    """Arithmetic of one unit, forward and backward, with explaining lines of text.

    w: the unit's weights; products: each weight times its input; grad: dL/dw; all of one shape:
    (n,), (H, W) or (C, H, W).
    """

    title: str
    w: np.ndarray
    products: np.ndarray
    grad: np.ndarray
    forward: str
    backward: str


def plot_pass(panels, answer, story, path, title, note="") -> Path:
    """Write the picture of ``draw_pass`` to `path`; return `path` as a Path.

    Raises NpNNError if the file cannot be written.
    """
    with style.context(["default", STYLE]):
        figure = draw_pass(panels, answer, story, title, note, reaches(panels, story))
        return save_figure(figure, path)


def reaches(panels, story):
    """Return the largest absolute value of each array of ``draw_pass``: (2 P + 3,)."""
    arrays = [array for panel in panels for array in (panel.values, panel.grad)]
    arrays += [story.w, story.products, story.grad]
    return np.array([np.abs(array).max() or 1.0 for array in arrays])


def draw_pass(panels, answer, story, title, note, full) -> Figure:
    """Return a Figure of one image's pass: forward above, backward below, then one unit.

    Call it within the style context, as ``plot_pass`` does.

    Args:
        panels: a Panel for each of the P arrays of the pass.
        answer: Answer.
        story: Story of the unit.
        title: title of the picture.
        note: a warning, drawn under the title.
        full: (2 P + 3,), the absolute value drawn in full colour in each array, see ``reaches``.
    """
    drawings = [
        partial(_draw_panel, panel, reach)
        for panel, reach in zip(panels, full[:-3].reshape(-1, 2), strict=True)
    ]
    drawings.append(partial(_draw_answer, answer))
    bands = -(-len(drawings) // ACROSS)
    heights = [0.65, 3.9 * bands, 3.6]  # inches
    figure = new_figure(title, note, height=0.6 + sum(heights))
    figure.get_layout_engine().set(w_pad=0.07)
    meaning, way, unit = figure.add_gridspec(3, 1, height_ratios=heights)
    _draw_meaning(figure.add_subplot(meaning))
    _draw_way(figure, way, drawings, bands)
    _draw_story(figure, unit, story, full[-3:])
    return figure


def _draw_way(figure, place, drawings, bands):
    """Draw each drawing on two axes, one below the other; from left to right, in bands."""
    columns = -(-len(drawings) // bands)
    grid = place.subgridspec(2 * bands, columns)
    for at, draw in enumerate(drawings):
        row, column = 2 * (at // columns), at % columns
        top, bottom = (figure.add_subplot(grid[row + below, column]) for below in (0, 1))
        draw(top, bottom)
        _label_side(top, "\u2192" if column else "forward")
        _label_side(bottom, "\u2190" if column else "backward")


def _draw_meaning(axes):
    axes.axis("off")
    handles = [Patch(fc=colour, ec=GREY, lw=0.5, label=text) for colour, text in MEANING.items()]
    look = {"borderpad": 0, "borderaxespad": 0, "handlelength": 1}
    axes.legend(handles=handles, loc="center left", bbox_to_anchor=(MARGIN, 0.5), **look)


def _label_side(axes, text):
    """Write a word or an arrow at the left of a panel."""
    look = {"rotation": 90, "weight": "bold"} if len(text) > 1 else {"size": 15, "color": GREY}
    axes.text(-0.09, 0.5, text, transform=axes.transAxes, ha="center", va="center", **look)


def _draw_panel(panel, reach, top, bottom):
    top.set_title(panel.made, loc="center")
    bottom.set_title(f"\u2202L/\u2202{panel.name}\n{panel.back}", loc="center")
    if panel.kind == "bars":
        _draw_bars(top, panel.values, panel.names, reach[0])
        _draw_bars(bottom, panel.grad, panel.names, reach[1])
        return
    if panel.kind == "photo":
        _draw_photo(top, panel.values)
    else:
        look = {"cmap": "Greys"} if panel.kind == "image" else {}
        _draw_maps(top, panel.values, reach[0], panel.mark, **look)
    _draw_maps(bottom, panel.grad, reach[1], panel.mark)
    if panel.kind == "image":
        _outline(bottom, _as_maps(panel.values)[0])


def _draw_photo(axes, image):
    """Draw an image in colour or in greys, over its own range of values."""
    low, high = image.min(), image.max()
    draw_tiles(axes, raster(image)[None], 1, cmap="gray", vmin=low, vmax=high)
    _note(axes, f"{low:.3g} \u2026 {high:.3g}".replace("-", "\N{MINUS SIGN}"))


def _outline(axes, image):
    """Draw the outline of an image's ink, if it has both ink and paper."""
    level = image.max() / 2
    if min(image.shape) > 1 and image.min() < level < image.max():
        axes.contour(image, [level], colors=GREY, linewidths=0.8)


def _draw_maps(axes, values, reach, mark=None, cmap=SIGNED):
    """Draw an array as one or more maps, and write the value of full colour below."""
    maps = _as_maps(values)
    low = 0 if cmap != SIGNED else -reach
    some = maps[:MOST]
    draw_tiles(axes, some, int(np.ceil(np.sqrt(len(some)))), cmap=cmap, vmin=low, vmax=reach)
    shown = f"{len(some)} of {len(maps)}, " if len(some) < len(maps) else ""
    scale = f"\u00b1{reach:.3g}" if low else f"0 \u2026 {reach:.3g}"
    _note(axes, shown + scale if values.any() else "all 0")
    if mark is not None:
        row, column = divmod(mark, maps.shape[2])
        _frame(axes, row, column)


def _frame(axes, row, column):
    corner = (column - 0.5, row - 0.5)
    axes.add_patch(Rectangle(corner, 1, 1, fill=False, lw=1.5, clip_on=False, zorder=3))


def _draw_bars(axes, values, names, reach):
    """Draw a bar for each name: orange to the right, blue to the left."""
    colours = [ORANGE if value > 0 else BLUE for value in values]
    axes.barh(range(len(values)), values, color=colours)
    axes.axvline(0, color=GREY, lw=0.8)
    _note(axes, f"\u00b1{reach:.3g}")
    _name_bars(axes, names, -1.05 * reach, 1.05 * reach)


def _name_bars(axes, names, low, high):
    """Write the names within the axes, left of the range from `low` to `high`."""
    names = shorts(names, LONGEST)
    room = 0.062 + 0.068 * max(map(len, names))  # share of the width
    left = low - (high - low) * room / (1 - room)
    axes.set(xlim=(left, high), ylim=(len(names) - 0.4, -0.6), xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    for row, name in enumerate(names):
        axes.text(left, row, name, va="center")


def _draw_answer(answer, top, bottom):
    size, most = range(len(answer.values)), max(1.0, np.abs(answer.values).max())
    top.set_title(answer.made, loc="center")
    top.barh(size, answer.values, color=GREY)
    wanted = np.flatnonzero(answer.target)
    top.barh(wanted, answer.target[wanted], facecolor="none", edgecolor="black", linestyle=":")
    for row, value in enumerate(answer.values):
        if abs(value) >= 0.005:
            end = max(value, answer.target[row])
            top.text(end + 0.04 * most, row, f"{value:.2f}", va="center")
    rest = f"; {answer.left_out:,} left out" if answer.left_out else ""
    _note(top, f"dotted: y{rest}")
    _name_bars(top, answer.classes, min(0, *answer.values), 1.6 * most)
    _lines(bottom, 0.02, answer.loss)


def _note(axes, text):
    """Write a line of text below a panel."""
    axes.text(0.5, -0.03, text, transform=axes.transAxes, ha="center", va="top")


def _lines(axes, left, text, **look):
    """Write text instead of a panel, outside the layout: else panels would move with the text."""
    axes.axis("off")
    axes.text(left, 0.5, text, va="center", transform=axes.transAxes, in_layout=False, **look)


def _draw_story(figure, place, story, full):
    """Draw weights, products and gradient of one unit as maps beside the lines of text."""
    grid = place.subgridspec(3, ACROSS, height_ratios=[0.35, 1.65, 1.65])
    look = {"linespacing": 1.6}
    _lines(figure.add_subplot(grid[0, :]), MARGIN, story.title, weight="bold")
    _lines(figure.add_subplot(grid[1, 2:]), 0, story.forward, **look)
    _lines(figure.add_subplot(grid[2, 1:]), 0, story.backward, **look)
    maps = {"w": story.w, "x \u00b7 w": story.products, "\u2202L/\u2202w": story.grad}
    spots = (grid[1, 0], grid[1, 1], grid[2, 0])
    for spot, (name, values), reach in zip(spots, maps.items(), full, strict=True):
        axes = figure.add_subplot(spot)
        axes.set_title(name, loc="center")
        _draw_maps(axes, values, reach)


def _as_maps(values):
    """Reshape an array to maps (C, H, W); (n,) becomes one map, as square as n allows."""
    if values.ndim > 1:
        return values.reshape(-1, *values.shape[-2:])
    side = int(np.ceil(np.sqrt(len(values))))
    columns = next((c for c in range(side, 3 * side) if len(values) % c == 0), side)
    padded = np.full((-(-len(values) // columns), columns), np.nan, np.float32)
    padded.ravel()[: len(values)] = values
    return padded[None]
