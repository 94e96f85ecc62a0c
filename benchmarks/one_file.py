"""Speed of the two programs in one_file/ beside np_nn and PyTorch.

    python benchmarks/one_file.py [--steps N] [--rounds N]

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

import np_nn as nn
from np_nn import cli
from np_nn.utils import machine
from np_nn.utils.errors import NpNNError
from np_nn.utils.markdown import markdown_table

ROOT = Path(__file__).resolve().parents[1]
PAGES = ROOT / "one_file"
FLAGS = ("-O3", "-march=native", "-ffp-contract=off", "-fopenmp")
TORCH = "main_torch.py"
THREADS = 2


def main(argv=None):
    command = cli.Parser(description=__doc__)
    command.add_argument("--steps", type=cli.whole_number(100), default=2000, metavar="N")
    command.add_argument("--rounds", type=cli.whole_number(1), default=3, metavar="N")
    args = command.parse_args(argv)
    compiler = shutil.which("gcc") or shutil.which("clang")
    if not compiler:
        raise NpNNError("mnist.c: no C compiler: install gcc or clang")
    with tempfile.TemporaryDirectory() as folder:
        tasks = contenders(Path(folder), compiler, args.steps)
        times = {name: [] for name in tasks}
        for _ in range(args.rounds):
            for name, task in tasks.items():
                times[name].append(task())
    ms = {name: statistics.median(taken) for name, taken in times.items()}
    print(f"On {machine.describe()}; {args.steps:,} steps, medians of {args.rounds} rounds.\n")
    rows = [(name, f"{taken:.3f}", f"{ms[TORCH] / taken:.2f}") for name, taken in ms.items()]
    print(markdown_table(("", "ms per step", "times PyTorch"), rows))
    return 0


def contenders(folder, compiler, steps):
    """Return {name: function that trains and returns the milliseconds of a step}."""
    write_idx(folder)
    page = folder / "mnist"
    subprocess.run([compiler, *FLAGS, PAGES / "mnist.c", "-lm", "-o", page], check=True)
    python = [sys.executable, PAGES / "mnist.py", "--data", folder, "--steps", str(steps)]
    return {
        TORCH: lambda: reported("main_torch.py", folder, steps),
        "one_file/mnist.py": lambda: printed(python),
        "main_np.py --kernels numpy": lambda: reported(
            "main_np.py", folder, steps, "--kernels", "numpy"
        ),
        "one_file/mnist.c": lambda: printed([page, folder, str(steps)]),
        "main_np.py": lambda: reported("main_np.py", folder, steps),
    }


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


if __name__ == "__main__":
    cli.run(main)
