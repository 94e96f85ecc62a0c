"""Shared parts of all pictures: colours, style, titled figures, and atomic files."""

import io
import textwrap
from pathlib import Path

import numpy as np
from matplotlib import rc_params_from_file
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from PIL import Image

from np_nn.plots.names import families, readable
from np_nn.utils.errors import NpNNError
from np_nn.utils.files import write_file

# {word of a label: colour}, from Okabe and Ito's palette, safe for colour-blind readers.
COLOURS = {"torch": "#D55E00", "compiled": "#009E73", "numpy": "#0072B2", "": "#CC79A7"}
# Applied on top of matplotlib's "default". Class names in other scripts need other fonts.
STYLE = rc_params_from_file(Path(__file__).with_name("np_nn.mplstyle"), use_default_template=False)
STYLE["font.family"] = families()
# {format: metadata to omit}: without time and version, the same picture is the same file.
FORMATS = {"png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}


def colour_of(label):
    """Return the colour of a contender by its label."""
    return next(colour for name, colour in COLOURS.items() if name in label.lower())


def new_figure(title, note, height, width=8):
    """Return an empty figure with its title and a warning on top.

    height, width: in inches. title: its further lines are set smaller, for a description of the
    network, say. note: the warning, or "".
    """
    title, _, about = title.partition("\n")
    title, about, note = (
        textwrap.fill(readable(text), most) for text, most in ((title, 74), (about, 92), (note, 88))
    )
    title_height = 0.14 + 0.24 * len(title.splitlines())  # inches
    about_height = 0.1 + 0.2 * len(about.splitlines()) if about else 0
    note_height = 0.22 + 0.2 * len(note.splitlines()) if note else 0
    above = title_height + about_height
    room = (0, 0, 1, 1 - (above + note_height) / height)
    figure = Figure(figsize=(width, height), layout=ConstrainedLayoutEngine(rect=room))
    figure.text(0.016, 1 - 0.12 / height, title, va="top", size=13, weight="bold")
    figure.text(0.016, 1 - title_height / height, about, va="top", color="#595959")
    if note:
        box = {"facecolor": "#FFF1C9", "edgecolor": "#E69F00", "boxstyle": "round,pad=0.3"}
        figure.text(0.023, 1 - (above + 0.1) / height, note, va="top", bbox=box)
    return figure


def save_figure(figure, path) -> Path:
    """Write `figure` to `path` atomically, in the format of its suffix; return `path` as a Path.

    Raises NpNNError if the file cannot be written (an earlier file is kept), and for a suffix that
    is not in FORMATS.
    """
    kind = Path(path).suffix.removeprefix(".")
    if kind not in FORMATS:
        raise NpNNError(f"cannot write {path}: a picture ends in .{', .'.join(FORMATS)}")
    write_file(path, render(figure, kind))
    return Path(path)


def render(figure, kind):
    """Return the figure as the bytes of a file; kind: one of FORMATS."""
    content = io.BytesIO()
    if kind == "png":
        _with_palette(snapshot(figure)).save(content, "PNG")
    else:
        figure.savefig(content, format=kind, metadata=FORMATS[kind])
    return content.getvalue()


def snapshot(figure):
    """Render a Figure as an RGB image, 960 pixels wide for ``new_figure``."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())[:, :, :3].copy())


def _with_palette(picture):
    """Reduce a picture to 256 colours: a third of the bytes, without a visible difference."""
    method = {"method": Image.Quantize.MAXCOVERAGE, "kmeans": 2, "dither": Image.Dither.NONE}
    return picture.quantize(256, **method)
