"""What happens inside a network while it trains: its weights, their gradients, its dead units."""

from pathlib import Path

import numpy as np
from matplotlib import colormaps, style

from np_nn.plots.figure import STYLE, new_figure, save_figure
from np_nn.plots.runs import scale_iterations, scale_sizes

DEPTH = colormaps["viridis"]  # from the first layer, dark, to the last one
LIGHTEST = 0.85  # of its colours: yellow on white cannot be read
RIDGES = 12  # histograms of a layer that are drawn
OVERLAP = 1.8  # how far a ridge may reach over the next one's line


def plot_norms(steps, weights, gradients, path, title, note="") -> Path:
    """Draw how large the weights and the gradients of each layer are during training.

    steps (n,) int: batches done. weights, gradients: {layer: (n,) Euclidean norms}. note: a
    warning, drawn under the title. Returns `path` as a Path. Raises NpNNError when the file
    cannot be written.
    """
    with style.context(["default", STYLE]):
        figure = new_figure(title, note, height=6.4)
        upper, lower = figure.subplots(2, 1, sharex=True)
        _draw_lines(upper, steps, weights)
        _draw_lines(lower, steps, gradients)
        scale_sizes(lower, list(gradients.values()))
        upper.set(title="weights of each layer", ylabel="norm", ylim=(0, None))
        lower.set(title="gradients of the loss", ylabel="norm", xlabel="iteration")
        _add_legend(figure, upper)
        return save_figure(figure, path)


def plot_dead(steps, shares, path, title, note="") -> Path:
    """Draw which share of each layer's units is dead during training.

    steps (n,) int: batches done. shares: {layer: (n,) 0..1}. note: a warning, drawn under the
    title. Returns `path` as a Path. Raises NpNNError when the file cannot be written.
    """
    with style.context(["default", STYLE]):
        figure = new_figure(title, note, height=4.2)
        axes = figure.add_subplot()
        _draw_lines(axes, steps, shares)
        axes.set(xlabel="iteration", ylabel="share of the layer's units", ylim=(0, None))
        axes.yaxis.set_major_formatter(lambda share, _: f"{100 * share:.3g}%")
        _add_legend(figure, axes)
        return save_figure(figure, path)


def plot_histograms(steps, histograms, path, title, note="") -> Path:
    """Draw how the weights of each layer are spread, from the start of training to its end.

    steps (n,) int: batches done. histograms: {layer: (counts (bins,), edges (bins + 1,)) at each
    of these steps}. Of the steps at most RIDGES are drawn, evenly picked, as ridges of one height
    that rise with the logarithm of the counts. note: a warning, drawn under the title. Returns
    `path` as a Path. Raises NpNNError when the file cannot be written.
    """
    shown = np.unique(np.linspace(0, len(steps) - 1, RIDGES).round().astype(int))
    with style.context(["default", STYLE]):
        figure = new_figure(title, note, height=5.6)
        panels = figure.subplots(1, len(histograms), sharey=True, squeeze=False)[0]
        for axes, (layer, found) in zip(panels, histograms.items(), strict=True):
            _draw_ridges(axes, [found[i] for i in shown])
            axes.set(title=layer, xlabel="weight")
        panels[0].set_yticks(range(len(shown)), [f"{steps[i]:,}" for i in shown])
        panels[0].set(ylabel="iteration", ylim=(len(shown) - 0.8, -OVERLAP - 0.1))
        return save_figure(figure, path)


def _draw_lines(axes, steps, series):
    for colour, (layer, values) in zip(_depths(len(series)), series.items(), strict=True):
        axes.plot(steps, values, color=colour, lw=2, label=layer)
    scale_iterations(axes, steps[-1])


def _depths(count):
    return DEPTH(np.linspace(0, LIGHTEST, count))


def _add_legend(figure, axes):
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=4)


def _draw_ridges(axes, histograms):
    """The first in the back and on top; each stands on its own line."""
    for i, (colour, (counts, edges)) in enumerate(
        zip(_depths(len(histograms)), histograms, strict=True)
    ):
        height = np.log1p(counts)  # a few large weights are what is learnt first
        ridge = i - OVERLAP * height / height.max()
        middles = (edges[:-1] + edges[1:]) / 2
        axes.fill_between(middles, ridge, i, color=colour, lw=0)
        axes.plot(middles, ridge, color="white", lw=0.8)
    axes.tick_params("y", length=0)
