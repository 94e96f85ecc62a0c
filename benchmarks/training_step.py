"""How long a training step takes: NumPy by hand, np_nn, its kernels, PyTorch; side by side.

Each contender runs in a process of its own, in turn, with the same weights,
batches and threads; each cell is the median of the rounds' medians.
"""

import importlib.util
import statistics
import sys

from np_nn import cli, compare, machine, report

BARE = compare.Contender("NumPy by hand", "benchmarks/bare_numpy.py")

GRID = [  # hidden width, batch size, steps that take about a second
    (128, 32, 2000),
    (128, 128, 1000),
    (512, 32, 1000),
    (512, 128, 500),
    (512, 256, 300),
    (512, 1024, 100),
]


def main(argv=None):
    command = cli.Parser(description=__doc__)
    command.add_argument("--rounds", type=cli.whole_number(1), default=3, metavar="N")
    command.add_argument("--threads", type=cli.whole_number(1), default=machine.cores())
    command.add_argument("--dataset", default="auto", metavar="NAME")
    command.add_argument("--quiet", action="store_true", help="no progress, only the table")
    args = command.parse_args(argv)

    field = [BARE, *compare.contenders()]
    labels = [contender.label for contender in field]
    print(f"`python benchmarks/training_step.py {' '.join(sys.argv[1:])}`".replace(" `", "`"))
    print(f"on {machine.describe()}; {args.threads} threads, float32, SGD, median ms per step\n")
    rows = []
    for hidden, batch, steps in GRID:
        arguments = ["--hidden", hidden, "--batch-size", batch, "--steps", steps]
        arguments += ["--threads", args.threads, "--dataset", args.dataset, "--recipe", "np_nn"]
        results = compare.measure(field, args.rounds, list(map(str, arguments)), args.quiet)
        ms = [
            statistics.median(run["step_ms_median"] for run in results[label]) for label in labels
        ]
        rows.append([f"784-{hidden}-10, batch {batch}", *(f"{value:.3f}" for value in ms)])
        if "PyTorch" in labels:
            torch = ms[labels.index("PyTorch")]
            rows[-1] += [f"{torch / value:.2f}" for value in ms[:-1]]
    header = ["", *labels]
    if importlib.util.find_spec("torch"):
        header += [f"{label}: times PyTorch" for label in labels[:-1]]
    print(report.markdown_table(header, rows))
    return 0


if __name__ == "__main__":
    cli.run(main)
