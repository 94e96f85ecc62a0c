"""Pictures of a network during training: its weights, their gradients, its dead units."""

from pathlib import Path

import numpy as np
from matplotlib import colormaps, style

from np_nn.plots.figure import STYLE, new_figure, save_figure
from np_nn.plots.runs import scale_iterations, scale_sizes

DEPTH = colormaps["viridis"]  # colours of the layers: the first is dark, the last is light
LIGHTEST = 0.85  # end of the colormap's used part: yellow on white cannot be read
RIDGES = 12  # maximum number of histograms drawn per layer
ACROSS = 4  # layers in a row
OVERLAP = 1.8  # height of a ridge, in distances between two ridges' lines


def plot_norms(steps, weights, gradients, path, title, note="") -> Path:
    """Draw the norms of each layer's weights and gradients during training.

    Returns `path` as a Path.

    Args:
        steps: (n,) int, batches done.
        weights: {layer: (n,) Euclidean norms}.
        gradients: {layer: (n,) Euclidean norms}.
        path: path of the picture.
        title: title of the picture.
        note: a warning, drawn under the title.

    Raises:
        NpNNError: if the file cannot be written.
    """
    with style.context(["default", STYLE]):
        figure = new_figure(title, note, height=6.2 + 0.2 * _rows(weights))
        upper, lower = figure.subplots(2, 1, sharex=True)
        _draw_lines(upper, steps, weights)
        _draw_lines(lower, steps, gradients)
        scale_sizes(lower, list(gradients.values()))
        upper.set(title="weights of each layer", ylabel="norm", ylim=(0, None))
        lower.set(title="gradients of the loss", ylabel="norm", xlabel="iteration")
        _add_legend(figure, upper)
        return save_figure(figure, path)


def plot_dead(steps, shares, path, title, note="") -> Path:
    """Draw the fraction of dead units of each layer during training.

    steps (n,) int: batches done. shares: {layer: (n,) 0..1}. note: a warning, drawn under the
    title. Returns `path` as a Path. Raises NpNNError if the file cannot be written.
    """
    with style.context(["default", STYLE]):
        figure = new_figure(title, note, height=4 + 0.2 * _rows(shares))
        axes = figure.add_subplot()
        _draw_lines(axes, steps, shares)
        axes.set(xlabel="iteration", ylabel="share of the layer's units", ylim=(0, None))
        axes.yaxis.set_major_formatter(lambda share, _: f"{100 * share:.3g}%")
        _add_legend(figure, axes)
        return save_figure(figure, path)


def plot_histograms(steps, histograms, path, title, note="") -> Path:
    """Draw histograms of each layer's weights, from the start of training to its end.

    At most RIDGES evenly spaced steps are drawn, as ridges of equal height over the logarithm of
    the counts. steps (n,) int: batches done. histograms: {layer: (counts (bins,), edges
    (bins + 1,)) at each of these steps}. note: a warning, drawn under the title. Returns `path` as
    a Path. Raises NpNNError if the file cannot be written.
    """
    shown = np.unique(np.linspace(0, len(steps) - 1, RIDGES).round().astype(int))
    with style.context(["default", STYLE]):
        rows, across = _rows(histograms), min(ACROSS, len(histograms))
        figure = new_figure(title, note, height=0.8 + 4.8 * rows)
        panels = figure.subplots(rows, across, sharey=True, squeeze=False)
        for axes, (layer, found) in zip(panels.flat, histograms.items(), strict=False):
            _draw_ridges(axes, [found[i] for i in shown])
            axes.set(title=layer, xlabel="weight")
        for axes in panels.flat[len(histograms) :]:
            axes.axis("off")
        for axes in panels[:, 0]:
            axes.set_yticks(range(len(shown)), [f"{steps[i]:,}" for i in shown])
            axes.set(ylabel="iteration", ylim=(len(shown) - 0.8, -OVERLAP - 0.1))
        return save_figure(figure, path)


def _draw_lines(axes, steps, series):
    for colour, (layer, values) in zip(_depths(len(series)), series.items(), strict=True):
        axes.plot(steps, values, color=colour, lw=2, label=layer)
    scale_iterations(axes, steps[-1])


def _rows(layers):
    return -(-len(layers) // ACROSS)


def _depths(count):
    return DEPTH(np.linspace(0, LIGHTEST, count))


def _add_legend(figure, axes):
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=ACROSS)


def _draw_ridges(axes, histograms):
    """Draw ridges from top to bottom, later ones in front; each stands on its own line."""
    for i, (colour, (counts, edges)) in enumerate(
        zip(_depths(len(histograms)), histograms, strict=True)
    ):
        height = np.log1p(counts)  # logarithmic: the few large weights, learnt first, stay visible
        ridge = i - OVERLAP * height / height.max()
        middles = (edges[:-1] + edges[1:]) / 2
        axes.fill_between(middles, ridge, i, color=colour, lw=0)
        axes.plot(middles, ridge, color="white", lw=0.8)
    axes.tick_params("y", length=0)
