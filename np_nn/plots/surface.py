"""Map of the loss surface around the path of a training."""

from pathlib import Path

import numpy as np
from matplotlib import style
from matplotlib.colors import LogNorm
from matplotlib.ticker import LogLocator

from np_nn.plots.figure import COLOURS, STYLE, new_figure, save_figure

LEVELS = 24  # contour levels
LEAST = 1e-6  # minimum loss drawn, as 0 has no logarithm
PATH = COLOURS["torch"]
MARKED = 4  # labelled moments of the path between its ends


def plot_surface(across, up, loss, path, steps, shares, file, title, note="") -> Path:
    """Draw a contour map of the loss, levels evenly spaced in the logarithm, and a training's path.

    Returns `file` as a Path.

    Args:
        across: (M,), horizontal coordinates of the map.
        up: (N,), vertical coordinates of the map.
        loss: (N, M); blank where it is not finite.
        path: (moments, 2), points of the path.
        steps: (moments,), steps done at each point.
        shares: (2,), fractions of the path's variance along the two directions, 0..1.
        file: path of the picture.
        title: title of the picture.
        note: a warning, drawn under the title.

    Raises:
        NpNNError: if the file cannot be written.
    """
    with style.context(["default", STYLE]):
        figure = new_figure(title, note, height=6.2)
        axes = figure.add_subplot()
        shades, ticks = _draw_map(axes, across, up, loss), LogLocator(subs=(1, 2, 5))
        bar = figure.colorbar(shades, ax=axes, ticks=ticks, format="{x:g}", pad=0.02)
        bar.set_label("training loss")
        bar.minorticks_off()
        _draw_path(axes, path, steps)
        axes.set(xlim=across[[0, -1]], ylim=up[[0, -1]])
        axes.set_xlabel(f"first principal direction: {shares[0]:.0%} of the path's variance")
        axes.set_ylabel(f"second principal direction: {shares[1]:.0%} of it")
        return save_figure(figure, file)


def _draw_map(axes, across, up, loss):
    loss = np.ma.masked_invalid(loss).clip(LEAST)
    levels = np.geomspace(loss.min(), max(loss.max(), 1.01 * loss.min()), LEVELS)
    shades = axes.contourf(across, up, loss, levels, norm=LogNorm(), cmap="Blues_r")
    axes.contour(across, up, loss, levels, colors="white", linewidths=0.5)
    axes.grid(False)
    return shades


def _draw_path(axes, path, steps):
    axes.plot(*path.T, ".-", color=PATH, lw=1.6, ms=5)
    axes.plot(*path[0], "o", color=PATH, mec="white", ms=11)
    axes.plot(*path[-1], "*", color=PATH, mec="white", ms=17)
    lengths = np.r_[0, np.cumsum(np.hypot(*np.diff(path, axis=0).T))]
    between = np.searchsorted(lengths, np.linspace(0, lengths[-1], MARKED + 2)[1:-1])
    look = {"textcoords": "offset points", "ha": "center", "va": "center"}
    look["bbox"] = {"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 1.5}
    for index in between:
        outward = path[index] - path.mean(axis=0)
        axes.annotate(f"{steps[index]:,}", path[index], 18 * outward / np.hypot(*outward), **look)
    for index, text in ((0, "start"), (-1, f"end: step {steps[-1]:,}")):
        axes.annotate(text, path[index], (0, -20), **look)
