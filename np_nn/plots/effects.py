"""What a change of one setting does: families of loss curves, each labelled at its end."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib import style
from matplotlib.ticker import LogLocator

from np_nn.plots.figure import COLOURS, STYLE, new_figure, save_figure
from np_nn.plots.runs import smooth

BASE = "black"
OTHERS = (*COLOURS.values(), "#E69F00", "#56B4E9")  # the rest of Okabe and Ito's
GAP = 0.085  # between two labels, as a share of the panel's height
HIGHEST = 6.0  # loss that is drawn, at least: knowing nothing of ten classes costs log 10 = 2.3


@dataclass(frozen=True)
class Effect:
    """One training: `label` is the value of the setting that was changed.

    images (k,): how many were seen after each step. loss (k,): of each step, finite. diverged:
    the loss then was no longer a finite number. is_base: nothing was changed.
    """

    label: str
    images: np.ndarray
    loss: np.ndarray
    diverged: bool = False
    is_base: bool = False


def plot_effects(families, path, title, note="", classes=10) -> Path:
    """Draw up to four panels, in each the curves of one setting.

    Losses are smoothed, on a logarithmic axis. Returns `path` as a Path.

    Args:
        families: {setting: [Effect, ...]}.
        path: of the picture.
        title: of the picture.
        note: a warning, drawn under the title.
        classes: their number, by which the axis reaches above the loss of knowing nothing.

    Raises:
        NpNNError: when the file cannot be written.
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
    """Write (loss, text, colour) of each line to the right of its end, none on another."""
    ends = sorted(ends, key=lambda end: end[0])
    low, high = np.log(axes.get_ylim())
    places = spread([(np.log(end[0]) - low) / (high - low) for end in ends])
    for place, (_, text, colour) in zip(places, ends, strict=True):
        look = {"color": colour, "weight": "bold" if colour == BASE else "normal"}
        axes.text(1.02, place, text, transform=axes.transAxes, va="center", **look)


def spread(places, gap=GAP):
    """Ascending places of 0..1, moved up, and down from the top, until they are a gap apart."""
    places = np.clip(places, 0, 1)
    for i in range(1, len(places)):
        places[i] = max(places[i], places[i - 1] + gap)
    places[-1] = min(places[-1], 1)
    for i in reversed(range(len(places) - 1)):
        places[i] = min(places[i], places[i + 1] - gap)
    return places
