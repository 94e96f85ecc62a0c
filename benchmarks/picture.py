"""Draw the training steps of RESULTS.md: python benchmarks/picture.py."""

import re
from pathlib import Path

import cells
from contenders import CONTENDERS, LAYERS, OURS, TORCH

from np_nn import cli
from np_nn.plots import Timing, plot_speed
from np_nn.utils import files
from np_nn.utils.errors import NpNNError

RESULTS = Path(__file__).with_name("RESULTS.md")
MOST_BYTES = 1 << 20
# The first cell of a group, and cells that differ from it in one setting.
BATCHES = (
    cells.CENTRE,
    cells.Cell(batch=1024),
    *(cells.Cell((width,)) for width in (128, 2048)),
    cells.Cell((512,) * 3),
    *cells.TOOLKIT,
    cells.Cell(dataset="fashion"),
    cells.ONE_THREAD,
)
SINGLE = (cells.Cell(batch=1), cells.Cell((128,), 1), cells.Cell((2048,), 1), cells.SMALL)
# Columns of milliseconds: {head: name in the picture}.
NAMES = {label: label for label in CONTENDERS}
NAMES |= {OURS: "np_nn, compiled", LAYERS: "np_nn, NumPy", "torch contiguous": TORCH}


def main(argv=None):
    command = cli.Parser(description=__doc__)
    command.add_argument("--results", type=Path, default=RESULTS, metavar="FILE")
    command.add_argument("--out", type=Path, metavar="FILE", help="default: beside it, as .png")
    args = command.parse_args(argv)
    text = files.read_file(args.results, MOST_BYTES).decode()
    groups = [
        *((f"{group[0]}; then with one change", steps(text, group)) for group in (BATCHES, SINGLE)),
        ("networks of images: MNIST, SGD with momentum", networks(text)),
    ]
    out = args.out or args.results.with_suffix(".png")
    title = f"A training step: how many times as fast np_nn is as the fastest peer\n{about(text)}"
    print(f"written: {plot_speed(groups, out, title)}")


def steps(text, group):
    """Return a Timing of each cell of a group, named by its difference from the first."""
    rows = {row[""]: row for row in table(text, "A training step", "", "times fastest peer")}
    usual = str(group[0]).split(", ")
    return [
        _timing(_difference(name, usual), rows[name], "times fastest peer")
        for name in map(str, group)
        if name in rows
    ]


def _difference(name, usual):
    parts = [part for part in name.split(", ") if part not in usual]
    return ", ".join(parts).removeprefix(f"{usual[0]} ") or "as it stands"


def networks(text):
    """Return a Timing of each network on all cores, at the default batch size."""
    rows = table(text, "Networks of images", "a training step", "threads", "times torch")
    usual = [str(cells.NetworkCell(network)) for network in cells.NETWORKS]
    return [
        _timing(row["a training step"], row, "times torch")
        for row in rows
        if row["a training step"] in usual and row["threads"] == rows[0]["threads"]
    ]


def about(text):
    """Return the machine and the versions, from the head of the results."""
    found = re.search(r"^`.*` on (.*)\.\n\n(.*);.*?(\([^()]*\))\.$", text, re.M)
    if not found:
        raise NpNNError(
            "the results do not name the machine they were measured on: make bench writes it"
        )
    return f"{found[1]}; {found[2]}; kernels: {found[3].strip('()')}"


def table(text, heading, *needed):
    """Return a dict {column: cell} of each row of the first table under a heading.

    Raises NpNNError if there is none, or if it lacks one of the needed columns or np_nn's.
    """
    section = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    found = section and re.search(r"(?:^\|.*\|\n)+", section[1], re.M)
    if not found:
        raise NpNNError(f"no table under '## {heading}': make bench writes it")
    header, _, *rows = (
        [cell.strip() for cell in line[1:-1].split("|")] for line in found[0].splitlines()
    )
    for name in (*needed, OURS):
        if name not in header:
            raise NpNNError(f"the table under '## {heading}' has no column '{name}'")
    return [dict(zip(header, row, strict=True)) for row in rows]


def _timing(label, row, ratio):
    ms = {name: float(row[head]) for head, name in NAMES.items() if row.get(head, "-") != "-"}
    return Timing(label, ms, f"{row[ratio]}\N{MULTIPLICATION SIGN}")


if __name__ == "__main__":
    cli.run(main)
