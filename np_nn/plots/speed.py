"""Picture of the step times of several programs."""

from dataclasses import dataclass
from pathlib import Path

from matplotlib import style
from matplotlib.ticker import LogLocator

from np_nn.plots.figure import STYLE, colour_of, new_figure, save_figure

MARKERS = "osDd^vPX"  # markers of the contenders, in order of first appearance


@dataclass(frozen=True)
class Timing:
    """Row of ``plot_speed``. ms: {contender: milliseconds}; ratio: text at the end of the row."""

    label: str
    ms: dict
    ratio: str


def plot_speed(groups, path, title) -> Path:
    """Draw times as dots, one line per Timing, one logarithmic axis per group.

    groups: (title, [Timing, ...]) of each. A contender's label sets its colour. Returns `path` as
    a Path. Raises NpNNError if the file cannot be written.
    """
    rows, dots = [1.8 + len(timings) for _, timings in groups], {}
    with style.context(["default", STYLE]):
        figure = new_figure(title, "", height=1.7 + 0.25 * sum(rows))
        panels = figure.subplots(len(groups), 1, height_ratios=rows, squeeze=False).ravel()
        for axes, (group, timings) in zip(panels, groups, strict=True):
            axes.set_title(group, weight="bold")
            _draw_timings(axes, timings, dots)
        panels[-1].set_xlabel("milliseconds per step, logarithmic: less is better")
        figure.legend(dots.values(), dots, loc="outside lower center", ncols=4)
        return save_figure(figure, path)


def _draw_timings(axes, timings, dots):
    """Draw Timings from top to bottom. dots: {contender: its marks}, extended by new contenders."""
    beside = axes.get_yaxis_transform()
    for y, timing in enumerate(timings):
        ends = min(timing.ms.values()), max(timing.ms.values())
        axes.plot(ends, [y, y], color="#BBBBBB", lw=1.5, zorder=1)
        for name, ms in timing.ms.items():
            marker = dots[name].get_marker() if name in dots else MARKERS[len(dots)]
            (dot,) = axes.plot(ms, y, marker, color=colour_of(name), ms=8, mec="white")
            dots.setdefault(name, dot)
        axes.text(1.02, y, timing.ratio, transform=beside, va="center", weight="bold")
    axes.set(xscale="log", ylim=(len(timings) - 0.4, -0.6))
    axes.set_yticks(range(len(timings)), [timing.label for timing in timings])
    axes.tick_params("y", length=0)
    low, high = axes.get_xlim()
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 1000 * low else (1,)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.minorticks_off()
