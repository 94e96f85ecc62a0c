"""Picture of a learning-rate range test: the loss of each step over its rate."""

from pathlib import Path

import numpy as np
from matplotlib import style

from np_nn.plots.figure import STYLE, colour_of, new_figure, save_figure

ROOM = 1.3  # height of the axis, in multiples of the initial or median loss: above, it diverged


def plot_lr_range(found, path, title, note="") -> Path:
    """Draw the loss over the learning rate, and mark the suggested rate.

    found: an `LRRange`: rates, losses and smoothed (k,), and suggestion, a rate or None.
    note: a warning, drawn under the title. Returns `path` as a Path. Raises NpNNError if the
    file cannot be written.
    """
    with style.context(["default", STYLE]):
        figure = new_figure(title, note, height=4.5)
        axes, colour = figure.add_subplot(), colour_of("NumPy")
        axes.plot(found.rates, found.losses, color=colour, alpha=0.3, lw=0.8, label="each step")
        axes.plot(found.rates, found.smoothed, color=colour, lw=2, label="smoothed")
        if found.suggestion is not None:
            text = f"suggestion: {found.suggestion:g}"
            axes.axvline(found.suggestion, color="black", lw=1.2, ls="--", label=text)
        low = min(0.0, found.losses.min())
        high = low + ROOM * (max(found.smoothed[0], np.median(found.smoothed)) - low)
        axes.set(xscale="log", xlabel="learning rate", ylabel="loss", ylim=(low, high or 1))
        axes.xaxis.set_major_formatter("{x:g}")
        axes.minorticks_off()
        axes.legend(loc="lower left")
        return save_figure(figure, path)
