"""Figure of a training's measures by epoch, which a notebook shows below its cell."""

import io
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from np_nn.utils.errors import NpNNError
from np_nn.utils.files import write_file

HELD_OUT = "val_"  # prefix of the names of held-out measures
DPI = 100


class CurvesFigure(Figure):
    """Figure that a notebook displays at the end of a cell; needs neither pyplot nor a window."""

    def _repr_png_(self):
        return self.rendered("png")

    def rendered(self, form):
        """Return the bytes of the figure as a file of format `form`."""
        content = io.BytesIO()
        self.savefig(content, format=form, dpi=DPI)
        return content.getvalue()


def draw(curves, kept=None, path=None):
    """Draw measures by epoch; those of training and held-out samples share a panel.

    Args:
        curves: {name: [a number for each epoch]} in Keras' names: "loss", "val_loss", ...
        kept: epoch to mark, counted from 1, or None.
        path: file to write the figure to; its ending selects the format, such as .png or .svg.

    Returns:
        matplotlib Figure with a panel for each name.

    Raises:
        NpNNError: without an epoch to draw, and for a file that cannot be written.
    """
    names = [name for name in curves if not name.startswith(HELD_OUT)]
    if not names:
        raise NpNNError("no epoch has ended yet: there is nothing to draw")
    figure = CurvesFigure(figsize=(5 * len(names), 3.6), layout="constrained")
    for axes, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        _draw_panel(axes, name, curves, kept)
    if path is not None:
        _write(figure, Path(path))
    return figure


def _draw_panel(axes, name, curves, kept):
    for label, key, look in (("training", name, "o-"), ("held out", HELD_OUT + name, "D-")):
        if key in curves:
            values = curves[key]
            axes.plot(range(1, len(values) + 1), values, look, ms=3, label=label)
    if kept is not None:
        axes.axvline(kept, color="black", lw=1, ls="--", label=f"kept: epoch {kept:g}")
    axes.set(xlabel="epoch", ylabel=name)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    axes.legend()


def _write(figure, path):
    try:
        content = figure.rendered(path.suffix.removeprefix("."))
    except ValueError as error:  # matplotlib's message lists its formats
        raise NpNNError(f"cannot write {path}: {error}") from None
    write_file(path, content)
