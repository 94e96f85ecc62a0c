"""Kernels, first checked and then timed one by one."""

import subprocess
import sys
from pathlib import Path

from contenders import LAYERS, OURS, TORCH
from contenders.kernel_cases import CASES
from targets import ratio

from np_nn import ops
from np_nn.utils.errors import NpNNError
from np_nn.utils.markdown import markdown_table

ROOT = Path(__file__).resolve().parents[1]
TESTS = ROOT / "tests"
# Tests on the timed instruction set only.
CHECKED = "kernels", "layers/test_convolution.py", "--ignore=kernels/test_instruction_sets.py"
SECONDS = 0.1  # per turn: a kernel is shorter than a step


def check():
    """Test the kernels against the reference; return a line. Raises NpNNError if they fail."""
    if not ops.KERNELS:
        return "No kernel is built: np_nn runs on NumPy."
    if not TESTS.is_dir():
        return f"The kernels were not checked first: there is no {TESTS.name} folder."
    command = [sys.executable, "-m", "pytest", *CHECKED]
    done = subprocess.run(command, cwd=TESTS, capture_output=True, text=True, check=False)
    last = (done.stdout.strip() or done.stderr.strip() or "no output").splitlines()[-1]
    if done.returncode:
        raise NpNNError(f"nothing is timed, as the kernels' tests fail: {last}")
    return f"Kernels checked against the reference before they were timed: {last}."


def run(session):
    """Measure each kernel beside NumPy and torch; return Markdown."""
    cases = [case for case in CASES if case.split()[0] in ops.KERNELS]
    if session.quick:
        cases = cases[::4]
    tasks = [(case, threads) for case in cases for threads in session.thread_counts]
    results = session.each(tasks, lambda task: _measure(session, *task), lambda task: task[0])
    if not results:
        return ""
    header = (
        "784-512-10, batch 256; images: batch 64",
        "threads",
        "np_nn",
        "NumPy",
        "torch",
        "times NumPy",
        "times torch",
    )
    rows = [(*task, *_cells(figures.ms)) for task, figures in results.items()]
    text = (
        "## The kernels one by one\n\nMicroseconds a call, on a batch of MNIST; convolutions: the "
        "second one of the LeNet-style network, batch 64.\n\n"
    )
    return text + markdown_table(header, rows) + _notes(results)


def _measure(session, case, threads):
    seconds = min(SECONDS, session.seconds)
    return session.ask((OURS, LAYERS, TORCH), "kernel", threads=threads, seconds=seconds, case=case)


def _cells(ms):
    ours, numpy, torch = (ms.get(label) for label in (OURS, LAYERS, TORCH))
    times = [f"{1e3 * value:.1f}" if value else "-" for value in (ours, numpy, torch)]
    ratios = (ratio(numpy, ours), ratio(torch, ours))
    return times + [f"{value:.2f}" if value else "-" for value in ratios]


def _notes(results):
    notes = {
        f"{label}: {reason}"
        for figures in results.values()
        for label, reason in figures.failures.items()
    }
    known = {case.split()[0] for case in CASES}
    if unknown := sorted(set(ops.KERNELS) - known):
        notes.add(f"not timed, as kernel_cases.py has no arguments for them: {', '.join(unknown)}")
    notes.add(
        "In place of the products with compressed rows, NumPy and torch make dense ones: "
        "the forward one gathers the batch first, the backward one finds it gathered"
    )
    return "".join(f"\n\n{note}." for note in sorted(notes))
