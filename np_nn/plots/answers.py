"""Pictures of a network's answers: accuracy by class, calibration, and embeddings."""

from pathlib import Path

import numpy as np
from matplotlib import style
from matplotlib.patheffects import withStroke

from np_nn.plots.figure import COLOURS, STYLE, new_figure, save_figure
from np_nn.plots.names import short, shorts

BLUE, ORANGE = COLOURS["numpy"], COLOURS["torch"]
# Ten colours that colour-blind readers tell apart: Petroff 2021, Accessible color sequences for
# data visualization; matplotlib's petroff10.
TEN = (
    "#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6", "#a96b59", "#e76300", "#b9ac70",
    "#717581", "#92dadd",
)  # fmt: skip

MOST_ROWS = 40  # maximum number of classes whose accuracy is drawn
MOST_NAMES = 12  # maximum number of classes named on a map
NAME_LENGTH = 12  # maximum characters of a name on a map
LONG, WIDTH = 4, 0.35  # characters from which names are set smaller; width of one, in gaps
GAP = 0.06  # distance between the centres of two names, as a fraction of the map
MOVES = 50  # iterations that move overlapping names apart
EPSILON = 1e-9  # offset in gaps, so that two names in one place have a direction to move in
NAME = {  # text properties of a class name, readable on top of its points
    "size": 14, "weight": "bold", "ha": "center", "va": "center",
    "path_effects": [withStroke(linewidth=3, foreground="white")],
}  # fmt: skip


def plot_class_accuracy(accuracy, low, high, classes, path, title, note="") -> Path:
    """Draw the accuracy of each class with its interval; return `path` as a Path.

    Args:
        accuracy: (C,) 0..1, NaN for a class without samples.
        low: (C,) lower ends of the intervals.
        high: (C,) upper ends of the intervals.
        classes: names; of more than MOST_ROWS, the classes of lowest accuracy are drawn.
        path: path of the picture.
        title: title of the picture.
        note: a warning, drawn under the title.

    Raises:
        NpNNError: if the file cannot be written.
    """
    accuracy, low, high, classes, left_out = _lowest(accuracy, low, high, classes)
    with style.context(["default", STYLE]):
        figure = new_figure(title, note, height=1.3 + 0.32 * len(classes))
        axes, rows = figure.add_subplot(), np.arange(len(classes))
        axes.hlines(rows, low, high, color=BLUE, lw=4, alpha=0.35, label="95 % interval")
        axes.plot(accuracy, rows, "o", color=BLUE, ms=7, label="test accuracy")
        for row in np.flatnonzero(np.isfinite(accuracy)):
            where = axes.get_yaxis_transform()
            axes.text(1.02, row, f"{accuracy[row]:.1%}", transform=where, va="center")
        axes.set_yticks(rows, shorts(classes))
        rest = f"; the {len(rows)} lowest of {left_out + len(rows):,}" if left_out else ""
        axes.set(xlabel=f"share of the class's test samples that are correct{rest}", ylabel="class")
        axes.set_ylim(-0.6, len(rows) - 0.4)
        axes.xaxis.set_major_formatter(lambda share, _: f"{100 * share:.3g}%")
        axes.invert_yaxis()
        axes.grid(axis="y", visible=False)
        figure.legend(loc="outside lower center", ncols=2)
        return save_figure(figure, path)


def _lowest(accuracy, low, high, classes):
    """Select the MOST_ROWS classes of lowest accuracy, in their order.

    Returns accuracy, low, high, names, and the number of classes left out.
    """
    kept = np.sort(np.argsort(accuracy, kind="stable")[:MOST_ROWS])  # NaN comes last
    names = [classes[i] for i in kept]
    return accuracy[kept], low[kept], high[kept], names, len(classes) - len(kept)


def plot_calibration(counts, confidence, accuracy, error, path, title, note="") -> Path:
    """Draw a reliability diagram, accuracy over confidence; return `path` as a Path.

    Args:
        counts: (bins,), see ``metrics.Calibration``; bins of equal width from 0 to 1.
        confidence: (bins,), as there.
        accuracy: (bins,), as there.
        error: expected calibration error.
        path: path of the picture.
        title: title of the picture.
        note: a warning, drawn under the title.

    Raises:
        NpNNError: if the file cannot be written.
    """
    with style.context(["default", STYLE]):
        figure = new_figure(title, note, height=6.4)
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
        _draw_reliability(upper, confidence, accuracy)
        upper.set_title(f"expected calibration error: {error:.2%}")
        width = 1 / len(counts)
        lower.bar(width * np.arange(len(counts)), counts, width, align="edge", color=BLUE, ec="w")
        lower.set(
            xlabel="confidence: probability of the predicted class", ylabel="samples", xlim=(0, 1)
        )
        lower.set_yscale("symlog", linthresh=1)
        lower.yaxis.set_major_formatter("{x:,.0f}")
        lower.xaxis.set_major_formatter("{x:.0%}")
        return save_figure(figure, path)


def plot_embedding(maps, labels, answers, classes, path, title, note="") -> Path:
    """Draw embeddings side by side, points coloured by class, mistakes ringed.

    The MOST_NAMES classes with the most points are named near the median of their points. Colours
    repeat after ten classes. Returns `path` as a Path.

    Args:
        maps: {method: points (n, 2)}.
        labels: (n,) int.
        answers: (n,) int.
        classes: names.
        path: path of the picture.
        title: title of the picture.
        note: a warning, drawn under the title.

    Raises:
        NpNNError: if the file cannot be written.
    """
    with style.context(["default", STYLE, {"axes.grid": False}]):
        figure = new_figure(title, note, height=5)
        panels = figure.subplots(1, len(maps), squeeze=False)[0]
        for axes, (method, points) in zip(panels, maps.items(), strict=True):
            _draw_points(axes, points, labels, answers, classes)
            axes.set_title(method)
        figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center")
        return save_figure(figure, path)


def _draw_reliability(axes, confidence, accuracy):
    """Draw a point for each bin; its distance to the diagonal is the bin's calibration error."""
    axes.plot([0, 1], [0, 1], "--", color="black", lw=1.2, label="perfect calibration")
    axes.vlines(confidence, confidence, accuracy, color=ORANGE, lw=3, label="calibration error")
    look = {"color": BLUE, "ms": 8, "clip_on": False}
    axes.plot(confidence, accuracy, "o", **look, label="samples of similar confidence")
    axes.set(ylabel="accuracy", ylim=(0, 1.03))
    axes.yaxis.set_major_formatter("{x:.0%}")
    axes.legend(loc="upper left")


def _draw_points(axes, points, labels, answers, classes):
    axes.scatter(*points.T, s=7, c=np.array(TEN)[labels % len(TEN)], lw=0)
    x, y = points[labels != answers].T
    axes.scatter(x, y, s=22, facecolor="none", edgecolor="black", lw=0.8, label="mistaken")
    counts = np.bincount(labels)
    most = np.argsort(-counts, kind="stable")[:MOST_NAMES]
    there = np.sort(most[counts[most] > 0])
    middles = np.array([np.median(points[labels == c], axis=0) for c in there])
    names = [short(classes[c], NAME_LENGTH) for c in there]
    longest = max(map(len, names))
    size = NAME["size"] if longest < LONG else 10.5
    spread = np.ptp(points, axis=0)
    spread[spread == 0] = spread.max() or 1  # avoids a gap of 0 if all points are on a line
    places = _separate(middles, GAP * np.array([max(1, WIDTH * longest), 1]) * spread)
    axes.update_datalim(places)
    for place, name in zip(places, names, strict=True):
        axes.text(*place, name, **NAME | {"size": size})
    axes.margins(x=0.05 + 0.015 * (longest - 1))  # room for names at the border
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(True)


def _separate(middles, gap):
    """Move points (n, 2) apart until names at them do not overlap. gap: a name's width, height."""
    at = middles / gap + [[0, EPSILON * i] for i in range(len(middles))]
    for _ in range(MOVES):
        way = at[:, None] - at
        far = np.linalg.norm(way, axis=2, keepdims=True)
        at = at + (way * np.clip(1 / np.maximum(far, 1e-9) - 1, 0, 1)).sum(axis=1) / 2
    return at * gap
