"""Pictures in a notebook, shown below the cell that draws them."""

from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from matplotlib import style

from np_nn.plots.figure import STYLE, new_figure, save_figure
from np_nn.utils.optional import need


def show(title, plot, *content, form="png"):
    """Show the picture of a function of np_nn.plots; no file is kept.

        show("What the units look for", plot_filters, filters)

    plot is called as ``plot(*content, path, title)``. form: "png" or "gif". Raises what ``plot``
    raises, and NpNNError if IPython is missing.
    """
    display = need("IPython.display", "a picture in a notebook")
    with TemporaryDirectory() as folder:
        path = plot(*content, Path(folder, f"picture.{form}"), title)
        display.display(display.Image(path.read_bytes(), alt=title))


@contextmanager
def canvas(title, height=3.6):
    """Yield an empty Figure in np_nn's style, 8 inches wide; show it when the ``with`` block ends.

    height: in inches. Raises NpNNError if IPython is missing.
    """
    with style.context(["default", STYLE, {"text.parse_math": True}]):
        figure = new_figure(title, "", height)
        yield figure
        show(title, lambda path, _: save_figure(figure, path))
