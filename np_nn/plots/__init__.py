"""Pictures of results: training runs, published figures beside ours, what a network has learnt.

Only this package and utils.curves import matplotlib: import it only where a picture is drawn. It
needs no display and ignores the user's matplotlibrc; the same input gives the same bytes.
"""

from np_nn.plots.animation import save_animation
from np_nn.plots.answers import plot_calibration, plot_class_accuracy, plot_embedding
from np_nn.plots.confusion import plot_confusion
from np_nn.plots.effects import Effect, plot_effects
from np_nn.plots.errors import largest_features, plot_errors
from np_nn.plots.figure import COLOURS, FORMATS, STYLE, save_figure, snapshot
from np_nn.plots.images import (
    plot_feature_maps,
    plot_feature_weights,
    plot_filters,
    plot_filters_learnt,
)
from np_nn.plots.lr_range import plot_lr_range
from np_nn.plots.pixels import draw_image, is_photo, look
from np_nn.plots.plane import Film, Moment, film_frame, plot_films
from np_nn.plots.predictions import plot_predictions
from np_nn.plots.reproduction import Dot, plot_reproduction
from np_nn.plots.runs import Curve, draw_curve, plot_compare, plot_learning, plot_training, smooth
from np_nn.plots.samples import plot_samples
from np_nn.plots.speed import Timing, plot_speed
from np_nn.plots.surface import plot_surface
from np_nn.plots.weights import plot_dead, plot_histograms, plot_norms

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
    "draw_curve",
    "draw_image",
    "film_frame",
    "is_photo",
    "largest_features",
    "look",
    "plot_calibration",
    "plot_class_accuracy",
    "plot_compare",
    "plot_confusion",
    "plot_dead",
    "plot_effects",
    "plot_embedding",
    "plot_errors",
    "plot_feature_maps",
    "plot_feature_weights",
    "plot_films",
    "plot_filters",
    "plot_filters_learnt",
    "plot_histograms",
    "plot_learning",
    "plot_lr_range",
    "plot_norms",
    "plot_predictions",
    "plot_reproduction",
    "plot_samples",
    "plot_speed",
    "plot_surface",
    "plot_training",
    "save_animation",
    "save_figure",
    "smooth",
    "snapshot",
]
