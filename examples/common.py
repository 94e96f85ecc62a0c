"""Shared parts of the examples: arguments, pictures, digits, but no network."""

import importlib
import re
import sys
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # a clone needs no installation

import np_nn as nn
from np_nn import cli
from np_nn.utils.files import check_writable

FOLDER = Path(__file__).resolve().parent

run = cli.run  # bad input ends in one line instead of a traceback

# Okabe and Ito's palette, which colour-blind readers can distinguish.
BLUE, ORANGE, GREEN, PINK = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
YELLOW, SKY, BLACK, GREY = "#E69F00", "#56B4E9", "#000000", "#C4C4C4"


def arguments(about, argv=None, epochs=None):
    """Parse the options of an example.

    about: its docstring. epochs: default of an option --epochs; None: no such option.
    """
    parser = cli.Parser(description=about.splitlines()[0])
    add = parser.add_argument
    add("--out", default=FOLDER / "pictures", metavar="DIR", help="folder of the pictures")
    add("--quick", action="store_true", help="fewer steps and small data, as a test")
    add("--no-plots", action="store_true", help="draw no pictures")
    if epochs:
        number = cli.whole_number(1)
        add("--epochs", type=number, default=epochs, metavar="N", help="passes over the digits")
    args = parser.parse_args(argv)
    if not args.no_plots:
        check_writable(args.out)
    return args


def require(name):
    """Import a module, or exit with status 2 and a line that says what to install."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        print(f"this example needs {error.name}: pip install {error.name}", file=sys.stderr)
        sys.exit(2)


def digits(args):
    """Return MNIST; with --quick, or if it is missing, scikit-learn's digits, with a note."""
    data = nn.load("digits" if args.quick else "auto", quiet=True)
    if data.note:
        print(f"note: {data.note}")
    return data


@contextmanager
def picture(args, name, title, height, width=8.0):
    """Yield an empty figure in np_nn's style to draw on; write it when the block ends.

    Args:
        args: arguments of the example; args.out is the folder.
        name: name of the file, without ".png".
        title: title of the figure.
        height: in inches.
        width: in inches.
    """
    from matplotlib import style
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    from np_nn.plots import STYLE, save_figure

    with style.context(["default", STYLE, {"text.parse_math": True}]):
        room = ConstrainedLayoutEngine(rect=(0, 0, 1, 1 - 0.4 / height))
        figure = Figure(figsize=(width, height), layout=room)
        figure.text(0.13 / width, 1 - 0.12 / height, title, va="top", size=13, weight="bold")
        yield figure
        path = save_figure(figure, Path(args.out, f"{name}.png"))
    say(path)


def say(path):
    """Print the path of a picture."""
    here = Path.cwd()
    print(f"picture: {path.relative_to(here) if path.is_relative_to(here) else path}")


def panels(figure, count):
    """Return axes (count,) in two rows, on common scales."""
    axes = figure.subplots(2, -(-count // 2), sharex=True, sharey=True, squeeze=False).ravel()
    for empty in axes[count:]:
        empty.set_axis_off()
    return axes[:count]


def one_by_one(figure, curves, *, low, high, note="{:.2f}"):
    """Draw a panel for each of curves {name: (steps,) losses}, with the others behind it in gray.

    Args:
        figure: Figure to draw on.
        curves: {name: (steps,) losses}.
        low: lower limit of the losses.
        high: upper limit of the losses.
        note: format of the last loss in a panel's title.
    """
    for axes, (name, curve) in zip(panels(figure, len(curves)), curves.items(), strict=True):
        for other in curves.values():
            axes.plot(other, color=GREY, lw=0.8)
        axes.plot(curve, color=BLUE, lw=2)
        axes.set(title=f"{name}: {note.format(curve[-1])}", yscale="log", ylim=(low, high))
        axes.set_yticks(
            [tick for tick in (0.1, 0.2, 0.5, 1, 2) if low <= tick <= high], minor=False
        )
        axes.yaxis.set_major_formatter("{x:g}")
        axes.minorticks_off()
        if axes.get_subplotspec().is_last_row():
            axes.set_xlabel("step")


def smooth(history):
    """Return the losses (steps,) of a History, smoothed by a moving average.

    Raises KeyboardInterrupt if the training was interrupted, so that Ctrl-C ends the example.
    """
    from np_nn.plots import smooth

    if history.interrupted:
        raise KeyboardInterrupt
    return smooth(history.loss, len(history.loss) // 20)


def lines_of_code(path):
    """Count the code lines of a file, without empty lines, comments and one-line docstrings."""
    lines = Path(path).read_text("utf-8").splitlines()
    return sum(not re.match(r'\s*($|#|""")', line) for line in lines)
