"""What all pictures share: colours, style, a titled figure, and a file that is written whole."""

import io
import textwrap
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from np_nn.files import write_file

# Okabe and Ito's colours, which colour-blind readers tell apart, by a word of the label.
COLOURS = {"torch": "#D55E00", "compiled": "#009E73", "numpy": "#0072B2", "": "#CC79A7"}
STYLE = {
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10.5,
    "figure.dpi": 120,
    "font.size": 10.5,
    "grid.color": "#E4E4E4",
    "legend.edgecolor": "none",
    "text.parse_math": False,  # a "$" in a title is a dollar
}


def colour_of(label):
    return next(colour for name, colour in COLOURS.items() if name in label.lower())


def new_figure(title, note, height):
    """An empty figure, 8 inches wide, with its title and warning on top."""
    title, note = textwrap.fill(title, 74), textwrap.fill(note, 88)
    title_height = 0.14 + 0.24 * len(title.splitlines())  # inches
    note_height = 0.22 + 0.2 * len(note.splitlines()) if note else 0
    room = (0, 0, 1, 1 - (title_height + note_height) / height)
    figure = Figure(figsize=(8, height), layout=ConstrainedLayoutEngine(rect=room))
    figure.text(0.016, 1 - 0.12 / height, title, va="top", size=13, weight="bold")
    if note:
        box = {"facecolor": "#FFF1C9", "edgecolor": "#E69F00", "boxstyle": "round,pad=0.3"}
        figure.text(0.023, 1 - (title_height + 0.1) / height, note, va="top", bbox=box)
    return figure


def save_figure(figure, path) -> Path:
    """Write `figure` as PNG to `path`, whole or not at all; returns `path` as a Path.

    Raises NpNNError when it cannot; an earlier file is then kept.
    """
    png = io.BytesIO()
    figure.savefig(png, format="png", metadata={"Software": None})
    write_file(path, png.getvalue())
    return Path(path)
