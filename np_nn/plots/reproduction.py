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


def plot_reproduction(groups, path) -> Path:
    """Draw published test errors as rings and ours as dots with their spread, one line per Dot.

    groups: (title, [Dot, ...]) for each table. Returns `path` as a Path. Raises NpNNError if
    the file cannot be written.
    """
    lines = sum(1.6 + len(dots) for _, dots in groups)
    with style.context(["default", STYLE]):
        title = "Published results, reproduced: test error"
        figure = new_figure(title, "", height=1.4 + 0.24 * lines)
        axes = figure.add_subplot()
        _draw_dots(axes, groups)
        handles, labels = axes.get_legend_handles_labels()
        first = dict(zip(reversed(labels), reversed(handles), strict=True))
        names = [name for name in ("published", "ours, ± standard deviation") if name in first]
        figure.legend([first[name] for name in names], names, loc="outside lower center", ncols=2)
        return save_figure(figure, path)


def _draw_dots(axes, groups):
    """Draw Dots from top to bottom, the error in percent on a logarithmic axis."""
    y, ticks = 0.0, []
    for title, dots in groups:
        axes.text(0, y, title, transform=axes.get_yaxis_transform(), weight="bold", va="center")
        for dot in dots:
            y += 1
            ticks.append((y, dot.label))
            _draw_dot(axes, y, dot)
        y += 1.6
    axes.set(xscale="log", xlabel="test error in %, logarithmic", ylim=(y - 1, -0.8))
    axes.set_yticks(*zip(*ticks, strict=True))
    axes.tick_params("y", length=0)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
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
