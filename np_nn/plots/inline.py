"""Pictures where one reads: in a notebook, below the cell that draws them."""

from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from matplotlib import style

from np_nn.optional import need
from np_nn.plots.figure import STYLE, new_figure, save_figure


def show(draw, form="png"):
    """Show a picture that np_nn.plots draws into a file, without keeping the file.

        show(lambda path: plot_filters(filters, path, "what it looks for"))

    draw: a function that is given a Path, writes the picture there and returns it. form: "png"
    or "gif". Raises what ``draw`` raises, and NpNNError without IPython.
    """
    display = need("IPython.display", "a picture in a notebook")
    with TemporaryDirectory() as folder:
        path = draw(Path(folder, f"picture.{form}"))
        display.display(display.Image(path.read_bytes()))


@contextmanager
def canvas(title, height=3.6):
    """An empty Figure in np_nn's style, 8 inches wide, shown when the ``with`` block ends.

    height: in inches. Raises NpNNError without IPython.
    """
    with style.context(["default", STYLE]):
        figure = new_figure(title, "", height)
        yield figure
        show(lambda path: save_figure(figure, path))
