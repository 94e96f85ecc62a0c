"""Pictures of training runs: one network (`plot_training`), or contenders (`plot_compare`)."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib import style
from matplotlib.ticker import LogLocator

from np_nn.plots.figure import STYLE, colour_of, new_figure, render, save_figure
from np_nn.utils.errors import NpNNError

CLEAR = {"figure.facecolor": "none", "axes.facecolor": "none"}


@dataclass(frozen=True)
class Curve:
    """Run of one contender; `label`, e.g. "NumPy", "compiled" or "PyTorch", sets the colour.

    loss, accuracy: (steps,) of each training batch; accuracy as a fraction, 0 to 1.
    test_accuracy, test_loss: on the test set after the last step, or None. validation: (steps
    done, accuracy, loss) of each evaluation on held-out images. kept: the step whose weights early
    stopping restored, or None. Raises NpNNError unless both histories are equally long, finite and
    not empty.
    """

    label: str
    loss: np.ndarray
    accuracy: np.ndarray
    test_accuracy: float | None
    test_loss: float | None
    validation: tuple = ()
    kept: int | None = None

    def __post_init__(self):
        shape = np.shape(self.loss)
        same = len(shape) == 1 and shape > (0,) and shape == np.shape(self.accuracy)
        if not (same and np.isfinite([self.loss, self.accuracy]).all()):
            raise NpNNError(
                f"{self.label}: loss and accuracy must be equally long, finite and not empty"
            )


def plot_training(curves, folder, suffix, title, note="", reference=None, form="png") -> list[Path]:
    """Draw a run: accuracy_plot_`suffix`.png and loss_plot_`suffix`.png in `folder`.

    Args:
        curves: a Curve, or several Curves of one network with different seeds: their mean is
            drawn, with a band from the lowest to the highest.
        folder: folder of the files.
        suffix: end of the files' names, before the format.
        title: one or two lines.
        note: a warning, drawn under the title.
        reference: published test accuracy, 0 to 1.
        form: picture format, one of FORMATS.

    Returns:
        both paths.

    Raises:
        NpNNError: if a file cannot be written.
    """
    curves, paths = _several(curves), []
    for kind in KINDS:
        with style.context(["default", STYLE]):
            figure = new_figure(title, note, height=4.5)
            axes = figure.add_subplot()
            _draw_run(axes, curves, kind, reference)
            heading = {"title": f"{curves[0].label}, training", "alignment": "left"}
            axes.legend(loc=KINDS[kind][2], **heading)
            paths.append(save_figure(figure, Path(folder) / f"{kind}_plot_{suffix}.{form}"))
    return paths


def plot_learning(curve, rates, path, title, note="") -> Path:
    """Draw one run: loss and accuracy on training and held-out images, and the learning rate.

    rates (steps,): learning rate of each step. note: a warning, drawn under the title.
    Returns `path` as a Path. Raises NpNNError if the file cannot be written.
    """
    with style.context(["default", STYLE]):
        figure = new_figure(title, note, height=8)
        *panels, lowest = figure.subplots(3, 1, sharex=True, height_ratios=[3, 3, 1])
        for axes, kind in zip(panels, ("loss", "accuracy"), strict=True):
            _draw_run(axes, [curve], kind, None)
            axes.set_xlabel("")
        lowest.plot(np.arange(1, len(rates) + 1), rates, color=colour_of(curve.label), lw=2)
        lowest.set(xlabel="iteration", ylabel="learning rate", ylim=(0, None))
        figure.align_ylabels()
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
        return save_figure(figure, path)


def draw_curve(curves, kind, reference=None) -> bytes:
    """Return one picture of ``plot_training`` as an SVG for a page, without title and background.

    It is half as wide, so that a phone shows its letters at the size of the page's text.
    curves: as there. kind: accuracy or loss. reference: published test accuracy, 0 to 1.
    """
    with style.context(["default", STYLE, CLEAR]):
        figure = new_figure("", "", height=3.1, width=4.4)
        _draw_run(figure.add_subplot(), _several(curves), kind, reference)
        figure.legend(loc="outside upper center", ncols=2)
        return render(figure, "svg")


def plot_compare(curves, bars, path, title, note="") -> Path:
    """Draw several runs in the same axes and, beside them, the time and memory of each.

    Returns `path` as a Path.

    Args:
        curves: a Curve of each contender.
        bars: a dict for each contender, of label, step_ms (ms per step), images_per_s,
            peak_memory_mb (MB, or None if unknown) and ratio (PyTorch's step time divided by this
            one, or None without PyTorch).
        path: path of the picture.
        title: title of the picture.
        note: a warning, drawn under the title.

    Raises:
        NpNNError: if the file cannot be written.
    """
    with style.context(["default", STYLE]):
        figure = new_figure(title, note, height=max(5.0, 2.0 + 0.75 * len(bars)))
        left, right = figure.subfigures(1, 2)
        _draw_agreement(left.subplots(2, 1, sharex=True), curves)
        _draw_costs(right.subplots(3, 1), bars)
        return save_figure(figure, path)


def smooth(values, half):
    """Return the centred moving average of (steps,) over at most 2 * half + 1 values, float64.

    The window grows slowly at the start, so that a steep first descent is not shifted. The last
    `half` means lie on the line fitted to the last window. All means are clipped to the range of
    the values.
    """
    values = np.asarray(values, dtype=np.float64)
    steps = np.arange(len(values))
    half = min(half, (len(values) - 1) // 2)
    reach = np.minimum(half, np.minimum(steps // 3, steps[::-1]))
    total = np.concatenate([[0.0], np.cumsum(values)])
    means = (total[steps + reach + 1] - total[steps - reach]) / (2 * reach + 1)
    if half:
        offset, last = np.arange(-half, half + 1), values[-2 * half - 1 :]
        means[-half:] = last.mean() + offset[-half:] * (offset @ last) / (offset @ offset)
    return np.clip(means, values.min(), values.max())


def scale_iterations(axes, steps):
    """Scale the x axis to iterations 0 to `steps`."""
    axes.set_xlim(0, steps)
    axes.locator_params("x", nbins=5, integer=True, steps=[1, 2, 5, 10])
    axes.xaxis.set_major_formatter("{x:,.0f}")


def scale_sizes(axes, histories, levels=()):
    """Scale the y axis: logarithmic if the values span more than a decade, else linear from 0."""
    values = np.concatenate([*histories, levels])
    positive = values[values > 0]
    if values.max() > 10 * positive.min(initial=np.inf):
        axes.set_yscale("log")  # zeros are cut off at the bottom
        low, high = np.percentile(positive, 0.5) / 1.2, values.max() * 1.2
        axes.set_ylim(low, high)
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 1e5 * low else (1,)))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.minorticks_off()
    else:
        axes.set_ylim(0, 1.05 * values.max() or 1)


def _several(curves):
    return [curves] if isinstance(curves, Curve) else list(curves)


def _draw_run(axes, curves, kind, reference):
    """Draw batch values (faint), their moving mean, held-out results, and the test result."""
    scale, form, _ = KINDS[kind]
    colour, steps = colour_of(curves[0].label), max(len(curve.loss) for curve in curves)
    means = [smooth(getattr(curve, kind), steps // 100) for curve in curves]
    shown = means if len(curves) > 1 else [getattr(curves[0], kind)]
    if len(curves) > 1:
        label = f"mean and range of {len(curves)} seeds"
        _draw_band(axes, [np.arange(1, len(each) + 1) for each in means], means, colour, label)
    else:
        _draw_batches(axes, shown[0], means[0], colour)
    tests = [value for curve in curves if (value := getattr(curve, f"test_{kind}")) is not None]
    marks = [("test", np.mean(tests), "--", colour)] if tests else []
    marks += [("published", reference, ":", "black")] if reference and kind == "accuracy" else []
    held_out = [_held_out(curve, kind) for curve in curves]
    levels = [mark[1] for mark in marks] + tests + [v for _, values in held_out for v in values]
    scale(axes, [*means, *shown], levels)
    scale_iterations(axes, steps)
    axes.set(xlabel="iteration", ylabel=kind)
    _draw_held_out(axes, curves, held_out)
    if len(tests) > 1:
        axes.axhspan(min(tests), max(tests), color=colour, alpha=0.15, lw=0)
    _draw_marks(axes, marks, form, steps)


def _draw_batches(axes, values, means, colour):
    """Draw the value of each batch (steps,), and from 100 batches on their moving mean."""
    steps, half = np.arange(1, len(values) + 1), len(values) // 100
    look = {"alpha": 0.3, "lw": 0.6} if half else {"marker": "o", "ms": 4}
    # Rasterized: a point for each batch would make an SVG of megabytes.
    axes.plot(steps, values, color=colour, label="each batch", rasterized=True, **look)
    if half:
        axes.plot(steps, means, color=colour, lw=2, label=f"mean of {2 * half + 1:,} batches")


def _draw_band(axes, places, values, colour, label, **look):
    """Draw the mean of several curves, and the band from the lowest to the highest.

    places, values: a pair of arrays of each curve; each mean is over the curves that reach it.
    """
    at = np.unique(np.concatenate(places))
    table = np.full((len(values), len(at)), np.nan)
    for row, where, own in zip(table, places, values, strict=True):
        row[np.searchsorted(at, where)] = own
    axes.plot(at, np.nanmean(table, axis=0), color=colour, label=label, **{"lw": 2, **look})
    low, high = np.nanmin(table, axis=0), np.nanmax(table, axis=0)
    axes.fill_between(at, low, high, color=colour, alpha=0.25, lw=0)


def _held_out(curve, kind):
    """Return steps (k,) and values (k,) of a Curve's evaluations on held-out images."""
    pick = {"accuracy": 1, "loss": 2}[kind]
    return tuple(np.array([entry[i] for entry in curve.validation]) for i in (0, pick))


def _draw_held_out(axes, curves, held_out):
    """Draw the results on held-out images, and mark those of the weights that were kept.

    Markers are not clipped, so that those at the right edge are whole.
    """
    held_out = [(steps, np.clip(values, *axes.get_ylim())) for steps, values in held_out]
    look = {"marker": "D", "ms": 4, "lw": 1, "clip_on": False}
    if len(curves) > 1 and all(len(steps) for steps, _ in held_out):
        _draw_band(axes, *zip(*held_out, strict=True), "black", "held out", **look)
    elif len(held_out[0][0]):
        axes.plot(*held_out[0], color="black", label="held out", **look)
    label = "kept" if len(curves) > 1 else f"kept: iteration {curves[0].kept or 0:,}"
    for curve, (steps, values) in zip(curves, held_out, strict=True):
        if curve.kept is not None:
            ring = {"ms": 11, "mfc": "none", "mec": "black", "mew": 1.5, "ls": "none"}
            at = steps == curve.kept
            axes.plot(steps[at], values[at], "o", clip_on=False, label=label, **ring)
            label = None  # once in the legend


def _draw_marks(axes, marks, form, steps):
    """Draw the levels [(name, value, line style, colour)] of test and published results."""
    marks = sorted(marks, key=lambda mark: mark[1])
    sides = ["center"] if len(marks) == 1 else ["top", "bottom"]  # below its line, above its line
    for (name, value, line, ink), side in zip(marks, sides[: len(marks)], strict=True):
        level = float(np.clip(value, *axes.get_ylim()))  # a loss of 0 has no place on a log axis
        axes.axhline(level, color=ink, lw=1.2, ls=line)
        if name == "test":
            axes.plot(steps, level, "o", color=ink, ms=8, mec="w", clip_on=False)
        where, text = axes.get_yaxis_transform(), f"{name}\n{form.format(value)}"
        axes.text(1.02, level, text, transform=where, va=side, color=ink)


def _draw_agreement(panels, curves):
    """Draw loss above accuracy; the first curve wide and pale, the last one thin and dashed."""
    half = max(len(curve.loss) for curve in curves) // 100
    widths = np.linspace(7, 1.6, len(curves))
    for axes, kind in zip(panels, ("loss", "accuracy"), strict=True):
        scale, form, _ = KINDS[kind]
        histories = [smooth(getattr(curve, kind), half) for curve in curves]
        for curve, means, width in zip(curves, histories, widths, strict=True):
            test = "" if curve.test_accuracy is None else f", test {curve.test_accuracy:.2%}"
            (line,) = axes.plot(np.arange(1, len(means) + 1), means, label=curve.label + test)
            line.set(color=colour_of(curve.label), lw=width, alpha=0.4)
        line.set(lw=1.6, alpha=1, ls=(0, (3, 2)) if len(curves) > 1 else "-")
        scale(axes, histories)
        same_length = len({len(means) for means in histories}) == 1 < len(curves)
        gap = form.format(np.ptp(histories, axis=0).max()) if same_length else ""
        axes.set_title(f"{kind}: curves differ by at most {gap}" if gap else kind)
    scale_iterations(axes, max(len(means) for means in histories))
    axes.set_xlabel(f"iteration (mean of {2 * half + 1:,} batches)" if half else "iteration")
    panels[0].legend(loc="upper right")


def _draw_costs(panels, bars):
    """Draw step time, throughput and memory as horizontal bars with their values beside them."""
    labels = [bar["label"] for bar in bars]
    look = {"tick_label": labels, "color": [colour_of(label) for label in labels], "height": 0.7}
    ratios = [f" ({bar['ratio']:.2f}\u00d7 as fast)" if bar["ratio"] else "" for bar in bars]
    for axes, key, title, form, room in (
        (panels[0], "step_ms", "step time, lower is better", "{:,.2f} ms{}", 2.4),
        (panels[1], "images_per_s", "images per second", "{:,.0f}", 1.5),
        (panels[2], "peak_memory_mb", "peak memory", "{:,.0f} MB", 1.5),
    ):
        values = [bar[key] or 0.0 for bar in bars]
        texts = [
            "unknown" if bar[key] is None else form.format(bar[key], ratio)
            for bar, ratio in zip(bars, ratios, strict=True)
        ]
        axes.bar_label(axes.barh(range(len(bars)), values, **look), texts, padding=4)
        axes.set(title=title, xticks=[], xlim=(0, room * max(values) or 1))
        axes.invert_yaxis()
        axes.grid(False)
        axes.spines["bottom"].set_visible(False)
        axes.tick_params("y", length=0)


def _scale_accuracy(axes, histories, levels=()):
    """Scale the y axis linearly from a level below nearly all values; note the rest as text."""
    low = min(*levels, *(np.percentile(values, 3) for values in histories), 0.9)
    bottom = max(0.0, np.floor(20 * low - 0.2) / 20)
    axes.set_ylim(bottom, 1 + 0.01 * (1 - bottom))
    axes.locator_params("y", steps=[1, 2, 5, 10])
    axes.yaxis.set_major_formatter("{x:.0%}")
    if below := max(int(np.argmax(values >= bottom)) for values in histories):
        start = min(values[0] for values in histories)
        text = f"↓ below: first {below:,} iterations, from {start:.0%}"
        axes.text(0.07, 0.03, text, transform=axes.transAxes, color="#595959")


KINDS = {  # {kind: (function that scales the axis, format of a value, place of the legend)}
    "accuracy": (_scale_accuracy, "{:.2%}", "lower right"),
    "loss": (scale_sizes, "{:.3g}", "upper right"),
}
