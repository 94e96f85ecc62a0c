"""One-time costs: the import, and the compression of the training set."""

import statistics
import subprocess
import sys
from pathlib import Path

from cells import CENTRE
from contenders import OURS
from contenders.problem import dataset
from targets import at_most, table

ROOT = Path(__file__).resolve().parents[1]
IMPORT = "import time; t = time.perf_counter(); import np_nn; print(time.perf_counter() - t)"
IMPORTS = 11


def run(session):
    """Measure the costs; return Markdown."""
    imports = session.each([f"import np_nn, {IMPORTS} times"], lambda _: _import_seconds())
    costs = session.each(
        ["compressing the training set"], lambda _: session.ask([OURS], "compress")
    )
    if not imports or not costs:
        return ""
    (seconds,), (figures,) = imports.values(), costs.values()
    images, ms = dataset(CENTRE.dataset).train, figures.ms.get(OURS)
    size = sum(array.nbytes for array in images.rows[:3]) / 1e6
    text = f"The training set's {images.images.nbytes / 1e6:.0f} MB are {size:.0f} MB compressed"
    text += f", made in {ms:.0f} ms." if ms else "."
    goal = at_most("`import np_nn` in a fresh process", seconds, 0.2, "{:.2f} s")
    return f"## Starting\n\n{text}\n\n{table(session, [goal])}"


def _import_seconds():
    command = [sys.executable, "-c", IMPORT]
    runs = [
        subprocess.run(command, cwd=ROOT, capture_output=True, check=False) for _ in range(IMPORTS)
    ]
    times = [float(run.stdout) for run in runs if not run.returncode]
    return statistics.median(times) if times else None
