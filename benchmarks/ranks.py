"""Images per second of one process of two threads, and of 1, 2 and 4 ranks of one thread each.

    python benchmarks/ranks.py [--rounds N] [--steps N] [--shards N]

Every figure is the median over rounds in which all contenders train in turn, on one machine. The
ranks of a team exchange through shared memory: on a network the exchange takes longer.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

from np_nn.utils import machine
from np_nn.utils.markdown import markdown_table

ROOT = Path(__file__).resolve().parents[1]
BATCH = 256
NETWORKS = {
    "784-512-10": ["--hidden", "512"],
    "lenet5": ["--model", "lenet5", "--optimizer", "sgd:momentum=0.9"],
}
RANKS = (1, 2, 4)


def mpiexec():
    beside = shutil.which("mpiexec", path=Path(sys.executable).parent)
    return beside or shutil.which("mpiexec") or sys.exit('no mpiexec: pip install "np_nn[mpi]"')


def images_per_second(network, ranks, args):
    """Train a network on so many ranks, or without a team for 0; return images per second."""
    launch = [mpiexec(), "-n", str(ranks)] if ranks else []
    shards = ["--shards", str(args.shards)] if ranks else []
    done = subprocess.run(
        [
            *launch, sys.executable, "main_np.py", *NETWORKS[network], *shards, "--no-plots",
            "--batch-size", str(BATCH), "--steps", str(args.steps[network]), "--quiet",
            "--threads", "1" if ranks else "2", "--json", "-",
        ],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        sys.exit(done.stderr)
    return 1e3 * BATCH / json.loads(done.stdout)["step_ms_median"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=100, help="of lenet5; tenfold for the MLP")
    parser.add_argument("--shards", type=int, default=8)
    args = parser.parse_args()
    args.steps = {"784-512-10": 10 * args.steps, "lenet5": args.steps}
    contenders = (0, *RANKS)
    found = {(network, ranks): [] for network in NETWORKS for ranks in contenders}
    for _ in range(args.rounds):
        for network, ranks in found:
            found[network, ranks].append(images_per_second(network, ranks, args))
    rows = []
    for network in NETWORKS:
        medians = {ranks: statistics.median(found[network, ranks]) for ranks in contenders}
        for ranks, images in medians.items():
            who = f"{ranks} rank{'s' * (ranks > 1)} of 1 thread" if ranks else "2 threads"
            spread = [f"{each:,.0f}" for each in sorted(found[network, ranks])]
            ratio = f"{images / medians[0]:.2f}"
            rows.append((network, who, f"{images:,.0f}", ratio, f"{spread[0]} to {spread[-1]}"))
    header = ("network", "contender", "images/s", "times 2 threads", "range")
    print(f"{machine.describe()}, batch {BATCH}, {args.shards} shards\n")
    print(markdown_table(header, rows))


if __name__ == "__main__":
    main()
