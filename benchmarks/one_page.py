"""Speed of the two programs in one_file/ beside np_nn and PyTorch.

    python benchmarks/run.py --parts one_page

Trains 784-512-10 on MNIST, batches of 256, float32: each contender is a process of its own with two
threads, in turn. Prints a table of medians.
"""

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from targets import at_least, ratio, table

import np_nn as nn
from np_nn.utils.markdown import markdown_table

ROOT = Path(__file__).resolve().parents[1]
PAGES = ROOT / "one_file"
FLAGS = ("-O3", "-march=native", "-ffp-contract=off", "-fopenmp")
TORCH, C_PAGE = "main_torch.py", "one_file/mnist.c"
THREADS = 2


def run(session):
    """Measure the two programs; return Markdown."""
    steps, rounds = (100, 1) if session.quick else (2000, 3)
    with tempfile.TemporaryDirectory() as folder:
        tasks = contenders(Path(folder), steps)
        turns = [(name, number) for number in range(rounds) for name in tasks]
        times = session.each(turns, lambda turn: tasks[turn[0]](), "{0[0]}, round {0[1]}".format)
    if len(times) < len(turns):
        return ""
    ms = {name: statistics.median(times[name, n] for n in range(rounds)) for name in tasks}
    rows = [(name, f"{each:.3f}", f"{ms[TORCH] / each:.2f}") for name, each in ms.items()]
    text = (
        "## The network on one page\n\n"
        f"784-512-10 on MNIST, batches of 256: each program for {steps:,} steps on {THREADS} "
        f"threads, in turn; mean time of a step, the median of {rounds} runs. mnist.c is compiled "
        f"by `{' '.join(FLAGS)}`."
    )
    times_torch = ratio(ms[TORCH], ms.get(C_PAGE))
    targets = [at_least(f"{C_PAGE}, times torch", times_torch, 2)]
    header = ("", "ms per step", "times PyTorch")
    return "\n\n".join([text, markdown_table(header, rows), table(session, targets)])


def contenders(folder, steps):
    """Return {name: function that trains and returns the milliseconds of a step}.

    Without a C compiler mnist.c is left out.
    """
    write_idx(folder)
    page, compiler = folder / "mnist", shutil.which("gcc") or shutil.which("clang")
    if compiler:
        subprocess.run([compiler, *FLAGS, PAGES / "mnist.c", "-lm", "-o", page], check=True)
    python = [sys.executable, PAGES / "mnist.py", "--data", folder, "--steps", str(steps)]
    found = {
        TORCH: lambda: reported("main_torch.py", folder, steps),
        "one_file/mnist.py": lambda: printed(python),
        "main_np.py --kernels numpy": lambda: reported(
            "main_np.py", folder, steps, "--kernels", "numpy"
        ),
        C_PAGE: lambda: printed([page, folder, str(steps)]),
        "main_np.py": lambda: reported("main_np.py", folder, steps),
    }
    return found if compiler else {name: found[name] for name in found if name != C_PAGE}


def write_idx(folder):
    """Write MNIST's four files, unpacked, as mnist.c reads them."""
    mnist = nn.load("mnist", quiet=True)
    for part, split in (("train", mnist.train), ("t10k", mnist.test)):
        for kind, array in (("images-idx3", split.images), ("labels-idx1", split.labels)):
            head = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes()
            content = head + array.astype(np.uint8).tobytes()
            (folder / f"{part}-{kind}-ubyte").write_bytes(content)


def printed(command):
    """Return the milliseconds of a step that a program of one_file/ prints."""
    return float(re.search(r"([\d.]+) ms a step", _run(command))[1])


def reported(program, folder, steps, *options):
    """Return the mean milliseconds of a step in the JSON of main_np.py or main_torch.py."""
    target = folder / "result.json"
    _run(
        [sys.executable, ROOT / program, "--steps", str(steps), "--threads", str(THREADS),
         "--json", target, "--no-plots", "--quiet", *options]
    )  # fmt: skip
    return 1e3 * json.loads(target.read_text())["loop_seconds"] / steps


def _run(command):
    env = os.environ | {"OMP_NUM_THREADS": str(THREADS)}
    return subprocess.run(command, check=True, capture_output=True, text=True, env=env).stdout
