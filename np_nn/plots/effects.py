"""Pictures of the effect of one setting: families of loss curves, each labelled at its end."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib import style
from matplotlib.ticker import LogLocator

from np_nn.plots.figure import COLOURS, STYLE, new_figure, save_figure
from np_nn.plots.runs import smooth

BASE = "black"
OTHERS = (*COLOURS.values(), "#E69F00", "#56B4E9")  # with the rest of Okabe and Ito's palette
GAP = 0.085  # distance between two labels, as a fraction of the panel's height
HIGHEST = 6.0  # minimum upper end of the loss axis; chance among ten classes is log 10 = 2.3


@dataclass(frozen=True)
class Effect:
    """Loss curve of one training; `label` is the value of the setting that was changed.

    images (k,): number of images seen after each step. loss (k,): of each step, finite. diverged:
    whether the next loss was not finite. is_base: whether this is the unchanged training.
    """

    label: str
    images: np.ndarray
    loss: np.ndarray
    diverged: bool = False
    is_base: bool = False


def plot_effects(families, path, title, note="", classes=10) -> Path:
    """Draw a panel of loss curves for each setting, at most four.

    Losses are smoothed, on a logarithmic axis. Returns `path` as a Path.

    Args:
        families: {setting: [Effect, ...]}.
        path: path of the picture.
        title: title of the picture.
        note: a warning, drawn under the title.
        classes: number of classes; the axis reaches above the loss at chance.

    Raises:
        NpNNError: if the file cannot be written.
    """
    highest = max(HIGHEST, 1.3 * math.log(classes))
    lowest = 0.8 * min(_smoothed(effect).min() for family in families.values() for effect in family)
    with style.context(["default", STYLE]):
        figure = new_figure(title, note, height=7.2)
        panels = figure.subplots(2, 2, sharey=True).ravel()
        panels[0].set(yscale="log", ylim=(lowest, highest))
        for axes, (setting, effects) in zip(panels, families.items(), strict=False):
            _draw_family(axes, effects, highest)
            axes.set_title(setting, weight="bold")
        figure.supxlabel("samples seen; black is the same training in all panels", size=10.5)
        figure.supylabel("training loss, smoothed", size=10.5)
        return save_figure(figure, path)


def _smoothed(effect):
    return smooth(effect.loss, len(effect.loss) // 20)


def _draw_family(axes, effects, highest):
    axes.set_xlim(0, max(effect.images[-1] for effect in effects))
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.locator_params("x", nbins=4)
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.minorticks_off()
    others, ends = iter(OTHERS), []
    for effect in effects:
        look = {"color": BASE, "lw": 2.4} if effect.is_base else {"color": next(others), "lw": 1.6}
        loss, text = _smoothed(effect), effect.label
        axes.plot(effect.images, loss, **look, zorder=2 + effect.is_base)
        if effect.diverged:
            text, loss[-1] = f"{text}\ndiverged", highest
            axes.plot(
                effect.images[-1], 0.88 * highest, "X", ms=9, color=look["color"], clip_on=False
            )
        elif loss[-1] > highest:
            text = f"{text}: loss {loss[-1]:.0f}"
        ends.append((loss[-1], text, look["color"]))
    _label_ends(axes, ends)


def _label_ends(axes, ends):
    """Write (loss, text, colour) of each line to the right of its end, without overlaps."""
    ends = sorted(ends, key=lambda end: end[0])
    low, high = np.log(axes.get_ylim())
    places = spread([(np.log(end[0]) - low) / (high - low) for end in ends])
    for place, (_, text, colour) in zip(places, ends, strict=True):
        look = {"color": colour, "weight": "bold" if colour == BASE else "normal"}
        axes.text(1.02, place, text, transform=axes.transAxes, va="center", **look)


def spread(places, gap=GAP):
    """Move ascending places of 0..1 up, then down from the top, to be at least `gap` apart."""
    places = np.clip(places, 0, 1)
    for i in range(1, len(places)):
        places[i] = max(places[i], places[i - 1] + gap)
    places[-1] = min(places[-1], 1)
    for i in reversed(range(len(places) - 1)):
        places[i] = min(places[i], places[i + 1] - gap)
    return places
