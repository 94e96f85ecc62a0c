"""Pictures of two classes of points in the plane, and of a network's decision regions."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib import style
from matplotlib.colors import LinearSegmentedColormap

from np_nn.plots.figure import COLOURS, STYLE, new_figure, save_figure, snapshot

CLASSES = ((0, COLOURS["numpy"], "o"), (1, COLOURS["torch"], "s"))
CHANCES = LinearSegmentedColormap.from_list("chances", ["#A6D3F0", "white", "#F3CE86"])
SIDE = 150  # grid points per axis at which a function is evaluated


class Moment(NamedTuple):
    """State of a training: steps done, accuracy 0..1, ``landscape`` of class 1's probability."""

    step: int
    accuracy: float
    land: tuple


@dataclass(frozen=True)
class Film:
    """Course of a training on two classes of points; `name` names the data set.

    x (N, 2), y (N,) of 0 or 1: the points and their classes. moments: the Moments, in order.
    """

    name: str
    x: np.ndarray
    y: np.ndarray
    moments: tuple


def plot_films(films, count, path, title) -> Path:
    """Draw `count` moments of each Film, first and last included, in one row per Film.

    Returns `path` as a Path. Raises NpNNError if the file cannot be written.
    """
    with style.context(["default", STYLE]):
        figure = new_figure(title, "", height=0.75 + 1.5 * len(films))
        panels = figure.subplots(len(films), count, squeeze=False)
        for row, film in zip(panels, films, strict=True):
            chosen = np.linspace(0, len(film.moments) - 1, count).round().astype(int)
            for axes, moment in zip(row, (film.moments[i] for i in chosen), strict=True):
                _draw_moment(axes, film, moment, size=5)
                axes.set_title(f"step {moment.step:,}: {moment.accuracy:.0%}", loc="center")
            row[0].set_ylabel(film.name)
        return save_figure(figure, path)


def film_frame(films, index, about):
    """Draw a moment of Films side by side; return (caption, picture) for ``save_animation``.

    index: number of the moment; a shorter Film shows its last one. about: second line of the title.
    """
    moments, width = [film.moments[: index + 1][-1] for film in films], min(3.2, 8 / len(films))
    caption = f"Step {max(moment.step for moment in moments):,}"
    with style.context(["default", STYLE]):
        figure = new_figure(f"{caption}\n{about}", "", height=1.2 + width)
        panels = figure.subplots(1, len(films), squeeze=False)
        for axes, film, moment in zip(panels.flat, films, moments, strict=True):
            _draw_moment(axes, film, moment, size=9)
            axes.set_title(f"{moment.accuracy:.0%} right", loc="center")
            axes.set_xlabel(film.name)
        return caption, snapshot(figure)


def _draw_moment(axes, film, moment, size):
    shade(axes, *moment.land)
    mark(axes, film.x, film.y, size)
    axes.set(xticks=[], yticks=[], box_aspect=1)


def boundary(axes, probability, x, y):
    """Shade the plane by the probability of class 1, and mark the samples x (N, 2), y (N,).

    probability: a function, points (M, 2) -> (M,) of 0..1. A line is drawn where it is 1/2.
    """
    shade(axes, *landscape(probability, x))
    mark(axes, x, y)


def landscape(probability, x, margin=0.4):
    """Evaluate a function on a grid around samples x (N, 2).

    Returns across (SIDE,), up (SIDE,), heights (SIDE, SIDE).
    """
    across, up = np.linspace(x.min(axis=0) - margin, x.max(axis=0) + margin, SIDE).T
    points = np.stack(np.meshgrid(across, up), axis=-1).reshape(-1, 2)
    return across, up, np.asarray(probability(points), float).reshape(SIDE, SIDE)


def shade(axes, across, up, heights):
    """Colour the plane by heights (M, N) of 0..1: blue below 1/2, orange above, a line between."""
    axes.contourf(across, up, heights, np.linspace(0, 1, 11), cmap=CHANCES, vmin=0, vmax=1)
    if heights.min() < 0.5 < heights.max():
        axes.contour(across, up, heights, [0.5], colors="black", linewidths=1.5)
    axes.grid(False)


def mark(axes, x, y, size=14):
    """Draw class 0 as blue circles, class 1 as orange squares; fewer than 10 show their class."""
    few = len(x) < 10
    look = {"s": 180 if few else size, "ec": "w", "lw": 0.4 * few, "zorder": 3}
    for label, colour, marker in CLASSES:
        mine = x[np.ravel(y) == label]
        axes.scatter(*mine.T, color=colour, marker=marker, **look)
        for point in mine if few else ():
            axes.text(*point, label, color="w", weight="bold", ha="center", va="center", zorder=4)
