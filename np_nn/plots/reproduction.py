"""Picture of published test errors beside ours."""

from dataclasses import dataclass
from pathlib import Path

from matplotlib import style
from matplotlib.ticker import LogLocator

from np_nn.plots.figure import COLOURS, STYLE, new_figure, save_figure


@dataclass(frozen=True)
class Dot:
    """Row of ``plot_reproduction``: test accuracies, 0 to 1.

    published: None if none was published. spread: standard deviation of ours, None for one run.
    """

    label: str
    published: float | None
    ours: float
    spread: float | None = None


def plot_reproduction(title, dots, path) -> Path:
    """Draw published test errors as rings and ours as dots with their spread, one line per Dot.

    title: name of the table. dots: [Dot, ...]. Returns `path` as a Path. Raises NpNNError if the
    file cannot be written.
    """
    with style.context(["default", STYLE]):
        figure = new_figure(f"{title}: test error", "", height=1.4 + 0.19 * len(dots))
        axes = figure.add_subplot()
        for y, dot in enumerate(dots):
            _draw_dot(axes, y, dot)
        _label(axes, [dot.label for dot in dots])
        handles, labels = axes.get_legend_handles_labels()
        first = dict(zip(reversed(labels), reversed(handles), strict=True))
        names = [name for name in ("published", "ours, ± standard deviation") if name in first]
        figure.legend([first[name] for name in names], names, loc="outside lower center", ncols=2)
        return save_figure(figure, path)


def _label(axes, labels):
    """Label the lines from top to bottom, and the error in percent on a logarithmic axis."""
    axes.set(xscale="log", xlabel="test error in %, logarithmic", ylim=(len(labels) - 0.4, -0.6))
    axes.set_yticks(range(len(labels)), labels)
    axes.tick_params("y", length=0)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 1.5, 2, 3, 5, 7)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.minorticks_off()


def _draw_dot(axes, y, dot):
    ours = 100 * (1 - dot.ours)
    reach = 100 * (dot.spread or 0)
    if dot.published is not None:
        published = 100 * (1 - dot.published)
        axes.plot([published, ours], [y, y], color="#BBBBBB", lw=1.5, zorder=1)
        ring = {"mfc": "white", "mec": "black", "mew": 1.5, "ms": 8}
        axes.plot(published, y, "o", label="published", zorder=2, **ring)
    low = min(reach, 0.99 * ours)  # a logarithmic axis has no place for 0
    axes.errorbar(
        ours, y, xerr=[[low], [reach]], fmt="o", ms=5, capsize=3, lw=1.5, zorder=3,
        color=COLOURS["compiled"], label="ours, ± standard deviation",
    )  # fmt: skip
