"""Results as pictures: training runs, published figures beside ours, what a network has learnt.

Nothing else in np_nn imports matplotlib: import this package where a picture is drawn. It needs
no display, ignores the user's matplotlibrc, and the same input gives the same bytes.
"""

from np_nn.plots.animation import save_animation, snapshot
from np_nn.plots.effects import Effect, plot_effects
from np_nn.plots.figure import COLOURS, FORMATS, STYLE, save_figure
from np_nn.plots.images import plot_confusion, plot_errors, plot_feature_maps, plot_filters
from np_nn.plots.plane import Film, Moment, film_frames, plot_films
from np_nn.plots.reproduction import Dot, plot_reproduction
from np_nn.plots.runs import Curve, plot_compare, plot_training, smooth
from np_nn.plots.speed import Timing, plot_speed
from np_nn.plots.surface import plot_surface

__all__ = [
    "COLOURS",
    "FORMATS",
    "STYLE",
    "Curve",
    "Dot",
    "Effect",
    "Film",
    "Moment",
    "Timing",
    "film_frames",
    "plot_compare",
    "plot_confusion",
    "plot_effects",
    "plot_errors",
    "plot_feature_maps",
    "plot_films",
    "plot_filters",
    "plot_reproduction",
    "plot_speed",
    "plot_surface",
    "plot_training",
    "save_animation",
    "save_figure",
    "smooth",
    "snapshot",
]
