"""Images per second of one process of two threads, and of 1, 2 and 4 ranks of one thread each.

    python benchmarks/ranks.py [--rounds N] [--steps N]

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
ALONE = (0, 0)  # one process of two threads, without a team
CONTENDERS = (ALONE, (1, 8), (2, 8), (4, 8), (1, 2), (2, 2))  # (ranks, shards)


def mpiexec():
    beside = shutil.which("mpiexec", path=Path(sys.executable).parent)
    return beside or shutil.which("mpiexec") or sys.exit('no mpiexec: pip install "np_nn[mpi]"')


def images_per_second(network, contender, steps):
    """Train a network for so many steps; return its images per second, by the median step."""
    ranks, shards = contender
    launch = [mpiexec(), "-n", str(ranks)] if ranks else []
    words = ["--shards", str(shards), "--threads", "1"] if ranks else ["--threads", "2"]
    done = subprocess.run(
        [
            *launch, sys.executable, "main_np.py", *NETWORKS[network], *words, "--no-plots",
            "--batch-size", str(BATCH), "--steps", str(steps), "--quiet", "--json", "-",
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
    args = parser.parse_args()
    steps = {"784-512-10": 10 * args.steps, "lenet5": args.steps}
    found = {(network, contender): [] for network in NETWORKS for contender in CONTENDERS}
    for _ in range(args.rounds):
        for network, contender in found:
            speed = images_per_second(network, contender, steps[network])
            found[network, contender].append(speed)
    rows = []
    for (network, contender), speeds in found.items():
        ranks, shards = contender
        times = statistics.median(speeds) / statistics.median(found[network, ALONE])
        who = f"{ranks} rank{'s' * (ranks > 1)} of 1 thread, {shards} shards"
        row = network, who if ranks else "2 threads", f"{statistics.median(speeds):,.0f}"
        rows.append((*row, f"{times:.2f}", f"{min(speeds):,.0f} to {max(speeds):,.0f}"))
    header = ("network", "contender", "images/s", "times 2 threads", "range")
    print(f"{machine.describe()}, batch {BATCH}\n")
    print(markdown_table(header, rows))


if __name__ == "__main__":
    main()
