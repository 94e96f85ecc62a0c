"""Training runs as pictures: one by itself (`plot_training`), several (`plot_compare`)."""

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
    """One contender's run; `label`, e.g. "NumPy", "compiled" or "PyTorch", sets the colour.

    loss, accuracy: (steps,) of each training batch; accuracy as a fraction, 0 to 1.
    test_accuracy, test_loss: on the test set after the last step, or None. validation: (steps
    done, accuracy, loss) for each time that held-out images were tried.
    Raises NpNNError unless both histories are equally long, finite and not empty.
    """

    label: str
    loss: np.ndarray
    accuracy: np.ndarray
    test_accuracy: float | None
    test_loss: float | None
    validation: tuple = ()

    def __post_init__(self):
        shape = np.shape(self.loss)
        same = len(shape) == 1 and shape > (0,) and shape == np.shape(self.accuracy)
        if not (same and np.isfinite([self.loss, self.accuracy]).all()):
            raise NpNNError(
                f"{self.label}: cannot draw: each step needs a finite loss and accuracy"
            )


def plot_training(curve, folder, suffix, title, note="", reference=None, form="png") -> list[Path]:
    """Draw one run: accuracy_plot_`suffix`.png and loss_plot_`suffix`.png in `folder`.

    note: a warning, drawn under the title. reference: the published test accuracy, 0 to 1.
    form: a picture format, one of FORMATS.
    Returns both paths. Raises NpNNError when a file cannot be written.
    """
    paths = []
    for kind in KINDS:
        with style.context(["default", STYLE]):
            figure = new_figure(title, note, height=4.5)
            axes = figure.add_subplot()
            _draw_run(axes, curve, kind, reference)
            heading = {"title": f"{curve.label}, training", "alignment": "left"}
            axes.legend(loc=KINDS[kind][2], **heading)
            paths.append(save_figure(figure, Path(folder) / f"{kind}_plot_{suffix}.{form}"))
    return paths


def plot_learning(curve, rates, path, title, note="") -> Path:
    """Draw one run: loss and accuracy, of training and held-out images, and the learning rate.

    rates (steps,): the learning rate of each step. note: a warning, drawn under the title.
    Returns `path` as a Path. Raises NpNNError when the file cannot be written.
    """
    with style.context(["default", STYLE]):
        figure = new_figure(title, note, height=8)
        *panels, lowest = figure.subplots(3, 1, sharex=True, height_ratios=[3, 3, 1])
        for axes, kind in zip(panels, ("loss", "accuracy"), strict=True):
            _draw_run(axes, curve, kind, None)
            axes.set_xlabel("")
        lowest.plot(np.arange(1, len(rates) + 1), rates, color=colour_of(curve.label), lw=2)
        lowest.set(xlabel="iteration", ylabel="learning rate", ylim=(0, None))
        figure.align_ylabels()
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
        return save_figure(figure, path)


def draw_curve(curve, kind, reference=None) -> bytes:
    """One picture of ``plot_training`` for a page: an SVG without title and background, half as
    wide, so that a phone shows its letters in the size of the page's own.

    kind: accuracy or loss. reference: the published test accuracy, 0 to 1.
    """
    with style.context(["default", STYLE, CLEAR]):
        figure = new_figure("", "", height=3.1, width=4.4)
        _draw_run(figure.add_subplot(), curve, kind, reference)
        figure.legend(loc="outside upper center", ncols=2)
        return render(figure, "svg")


def plot_compare(curves, bars, path, title, note="") -> Path:
    """Draw several runs over each other and, beside them, what each one cost.

    curves: a Curve of each contender. bars: for each a dict of label, step_ms (ms per step),
    images_per_s, peak_memory_mb (MB, or None if unknown) and ratio (PyTorch's step time
    divided by this one, or None without PyTorch). note: a warning, drawn under the title.
    Returns `path` as a Path. Raises NpNNError when the file cannot be written.
    """
    with style.context(["default", STYLE]):
        figure = new_figure(title, note, height=max(5.0, 2.0 + 0.75 * len(bars)))
        left, right = figure.subfigures(1, 2)
        _draw_agreement(left.subplots(2, 1, sharex=True), curves)
        _draw_costs(right.subplots(3, 1), bars)
        return save_figure(figure, path)


def smooth(values, half):
    """Centred moving average of (steps,) over up to 2 * half + 1 values: (steps,) float64.

    The window opens slowly, to keep a steep first descent where it is. The last `half` means
    lie on the line fitted to the last window. None leaves the range of the values.
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
    """An axis of so many iterations, numbered from 0."""
    axes.set_xlim(0, steps)
    axes.locator_params("x", nbins=5, integer=True, steps=[1, 2, 5, 10])
    axes.xaxis.set_major_formatter("{x:,.0f}")


def scale_sizes(axes, histories, levels=()):
    """Logarithmic when the values span more than a decade, else linear from zero."""
    values = np.concatenate([*histories, levels])
    positive = values[values > 0]
    if values.max() > 10 * positive.min(initial=np.inf):
        axes.set_yscale("log")  # zeros run off the bottom
        low, high = np.percentile(positive, 0.5) / 1.2, values.max() * 1.2
        axes.set_ylim(low, high)
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 1e5 * low else (1,)))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.minorticks_off()
    else:
        axes.set_ylim(0, 1.05 * values.max() or 1)


def _draw_run(axes, curve, kind, reference):
    """Every batch's value, faint; their mean, strong; the test result, marked."""
    scale, form, _ = KINDS[kind]
    values, colour = getattr(curve, kind), colour_of(curve.label)
    steps, half = np.arange(1, len(values) + 1), len(values) // 100
    means = smooth(values, half)
    look = {"alpha": 0.3, "lw": 0.6} if half else {"marker": "o", "ms": 4}
    # As pixels: a point for each batch would make an SVG of megabytes.
    axes.plot(steps, values, color=colour, label="each batch", rasterized=True, **look)
    if half:
        axes.plot(steps, means, color=colour, lw=2, label=f"mean of {2 * half + 1:,} batches")
    pick = {"accuracy": 1, "loss": 2}[kind]
    held_out = [(entry[0], entry[pick]) for entry in curve.validation]
    if held_out:
        axes.plot(*zip(*held_out, strict=True), "D-", color="black", ms=4, lw=1, label="held out")
    marks = [("test", getattr(curve, f"test_{kind}"), "--", colour)]
    marks += [("published", reference if kind == "accuracy" else None, ":", "black")]
    marks = sorted((mark for mark in marks if mark[1] is not None), key=lambda mark: mark[1])
    scale(axes, [means, values], [mark[1] for mark in marks])
    scale_iterations(axes, len(values))
    axes.set(xlabel="iteration", ylabel=kind)
    sides = ["center"] if len(marks) == 1 else ["top", "bottom"]  # below its line, above its line
    for (name, value, line, ink), side in zip(marks, sides[: len(marks)], strict=True):
        level = float(np.clip(value, *axes.get_ylim()))  # a loss of 0 has no place on a log axis
        axes.axhline(level, color=ink, lw=1.2, ls=line)
        if name == "test":
            axes.plot(len(values), level, "o", color=ink, ms=8, mec="w", clip_on=False)
        where, text = axes.get_yaxis_transform(), f"{name}\n{form.format(value)}"
        axes.text(1.02, level, text, transform=where, va=side, color=ink)


def _draw_agreement(panels, curves):
    """Loss above accuracy; the first curve wide and pale, the last one thin and dashed."""
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
    """Step time, throughput and memory as horizontal bars with their values beside them."""
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
    """Linear, from a level that nearly all of the run is above; says what lies below."""
    low = min(*levels, *(np.percentile(values, 3) for values in histories), 0.9)
    bottom = max(0.0, np.floor(20 * low - 0.2) / 20)
    axes.set_ylim(bottom, 1 + 0.01 * (1 - bottom))
    axes.locator_params("y", steps=[1, 2, 5, 10])
    axes.yaxis.set_major_formatter("{x:.0%}")
    if below := max(int(np.argmax(values >= bottom)) for values in histories):
        start = min(values[0] for values in histories)
        text = f"↓ below: first {below:,} iterations, from {start:.0%}"
        axes.text(0.07, 0.03, text, transform=axes.transAxes, color="#595959")


KINDS = {  # how to scale the axis, to write a value, and where the curve leaves room
    "accuracy": (_scale_accuracy, "{:.2%}", "lower right"),
    "loss": (scale_sizes, "{:.3g}", "upper right"),
}
