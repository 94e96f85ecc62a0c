"""Confusion matrices of any number of classes."""

from pathlib import Path

import numpy as np
from matplotlib import style
from matplotlib.colors import LinearSegmentedColormap

from np_nn.analysis.metrics import confusion
from np_nn.plots.figure import COLOURS, STYLE, new_figure, save_figure
from np_nn.plots.names import shorts

COUNTS = LinearSegmentedColormap.from_list("counts", ["white", COLOURS["torch"]])
MARKS = LinearSegmentedColormap.from_list("marks", ["#F3C3A6", COLOURS["torch"]])
CHARACTERS = 60  # maximum width of a row of counts written as numbers
NAMES = 28  # maximum number of classes that are all named
TICKS = 16  # maximum number of names, evenly spaced, for more classes than that
INCHES = 4.4  # approximate side of the matrix


def plot_confusion(labels, answers, classes, path, title, note="") -> Path:
    """Draw a confusion matrix: rows are true classes, columns are answers.

    Mistakes are shaded orange by their number. If the numbers do not fit, mistakes are squares
    with a colour bar. Returns `path` as a Path.

    Args:
        labels: (n,) int.
        answers: (n,) int.
        classes: names.
        path: path of the picture.
        title: title of the picture.
        note: a warning, drawn under the title.

    Raises:
        NpNNError: if the file cannot be written.
    """
    counts = confusion(labels, answers, len(classes))
    with style.context(["default", STYLE, {"axes.grid": False}]):
        figure = new_figure(title, note, height=6.4)
        axes = figure.add_subplot()
        longest = len(f"{counts.max():,}")
        draw = _draw_numbers if longest * len(classes) <= CHARACTERS else _draw_marks
        draw(axes, counts, counts * (1 - np.eye(len(classes), dtype=int)))
        if len(classes) <= NAMES:
            _draw_recalls(axes, counts)
        axes.set(xlabel="predicted class", ylabel="true class")
        _name_ticks(axes, shorts(classes))
        return save_figure(figure, path)


def _draw_numbers(axes, counts, mistakes):
    axes.imshow(mistakes, cmap=COUNTS, vmin=0, vmax=1.3 * (mistakes.max() or 1))
    for row, column in np.argwhere(counts):
        look = {"weight": "bold", "color": "#595959"} if row == column else {}
        text = f"{counts[row, column]:,}"
        axes.text(column, row, text, ha="center", va="center", **look)


def _draw_marks(axes, counts, mistakes):
    """Draw mistakes as squares, which stay visible where a cell is smaller than a pixel."""
    rows, columns = np.nonzero(mistakes)
    side = max(2.0, 72 * INCHES / len(counts))
    values = mistakes[rows, columns]
    marks = axes.scatter(columns, rows, side**2, values, marker="s", cmap=MARKS, vmin=0, lw=0)
    axes.plot([0, len(counts) - 1], [0, len(counts) - 1], color="#BBBBBB", lw=1, zorder=0)
    ends = -0.5, len(counts) - 0.5
    axes.set(xlim=ends, ylim=ends[::-1], aspect="equal")
    if len(values):
        most = values.max()
        marks.set_clim(0, most)
        pad = 0.16 if len(counts) <= NAMES else 0.03  # room for the recalls
        bar = axes.figure.colorbar(marks, ax=axes, shrink=0.6, pad=pad)
        bar.set_label("samples taken for another class")
        bar.locator.set_params(integer=True)
        bar.update_ticks()


def _draw_recalls(axes, counts):
    for row, there in enumerate(counts.sum(axis=1)):
        if there:
            right = f"{counts[row, row] / there:.1%} right"
            axes.text(len(counts) - 0.3, row, right, va="center")


def _name_ticks(axes, names):
    """Write the class names at both axes; of more than NAMES classes, evenly spaced ones."""
    shown = np.arange(0, len(names), 1 if len(names) <= NAMES else -(-len(names) // TICKS))
    chosen = [names[i] for i in shown]
    upright = len(shown) > NAMES // 2
    slanted = max(map(len, chosen)) > 3
    look = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"} if slanted else {}
    axes.set_xticks(shown, chosen, **({"rotation": 90} if upright and slanted else look))
    axes.set_yticks(shown, chosen)
    axes.tick_params(length=0)
