"""Comparison of NumPy, compiled kernels and PyTorch on the same weights and batches.

Each contender is one of np-nn's two training programs in a process of its own. They take turns for
several rounds, so that load on the machine affects all alike; the report gives medians.
"""

import importlib.util
import statistics
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from np_nn import cli, ops
from np_nn.cli.subprogram import run_json
from np_nn.utils.errors import NpNNError
from np_nn.utils.markdown import markdown_table
from np_nn.utils.progress import announce

COMPARED_STEPS = 200  # training amplifies rounding differences in later steps


@dataclass(frozen=True)
class Contender:
    """Contender: a label, and the command of np-nn with its arguments that trains."""

    label: str
    command: str
    arguments: tuple[str, ...] = ()


def contenders():
    """Return the contenders that can run here; the last one is PyTorch if it is installed."""
    found = [Contender("NumPy", "train", ("--kernels", "numpy"))]
    if ops.KERNELS:
        found.append(Contender("compiled", "train", ("--kernels", "compiled")))
    if importlib.util.find_spec("torch"):
        found.append(Contender("PyTorch", "train-torch"))
    return found


def run(contender, arguments):
    """Train once in a fresh process and return its JSON. Raises NpNNError if it fails."""
    try:
        return run_json(contender.command, *arguments, *contender.arguments)
    except NpNNError as error:
        raise NpNNError(f"{contender.label}: {error}") from None


def measure(field, rounds, arguments, quiet):
    """Run the contenders in turn; return {label: [JSON of each round]}.

    Ctrl-C keeps the complete rounds.

    Args:
        field: Contenders.
        rounds: number of rounds.
        arguments: command-line arguments of all contenders.
        quiet: show no progress.

    Raises:
        KeyboardInterrupt: on Ctrl-C before the first round is complete.
        NpNNError: if a contender fails.
    """
    results = {contender.label: [] for contender in field}
    turns = [(f"round {i + 1} of {rounds}: {c.label}", c) for i in range(rounds) for c in field]
    try:
        for _, contender in announce(turns, lambda turn: turn[0], quiet):
            results[contender.label].append(run(contender, arguments))
    except KeyboardInterrupt:
        rounds = min(map(len, results.values()))
        if not rounds:
            raise
    return {label: runs[:rounds] for label, runs in results.items()}


def summarise(results):
    """Return the figures of each contender, medians over the rounds, as plain data."""
    summary = {}
    for label, runs in results.items():
        step_ms = statistics.median(run["step_ms_median"] for run in runs)
        summary[label] = {
            "test_accuracy": runs[0]["test_accuracy"],
            "step_ms": step_ms,
            "images_per_s": 1e3 * runs[0]["batch_size"] / step_ms,
            "train_seconds": statistics.median(run["train_seconds"] for run in runs),
            "peak_memory_mb": median_or_none(run["peak_memory_mb"] for run in runs),
            "kernels": runs[0]["kernels"],
        }
    torch = summary.get("PyTorch")
    for label, figures in summary.items():
        figures["ratio"] = torch and torch["step_ms"] / figures["step_ms"]
        figures["loss_deviation"] = torch and loss_deviation(
            results[label][0], results["PyTorch"][0]
        )
    return summary


def median_or_none(values):
    """Return the median, or None if a value is None: not measured on this machine."""
    values = list(values)
    return None if None in values else statistics.median(values)


def loss_deviation(ours, theirs):
    """Return the largest relative difference of two runs' losses over the first steps."""
    a, b = (np.array(run["runs"][0]["batches"]["loss"][:COMPARED_STEPS]) for run in (ours, theirs))
    return float(np.max(np.abs(a - b) / np.maximum(np.abs(b), 1e-30)))


def table(summary):
    """Return the comparison as a Markdown table."""
    header = ("", "test accuracy", "ms per step", "images/s", "training s", "peak MB",
              "times PyTorch", "loss deviation")  # fmt: skip
    rows = [
        (
            label,
            f"{f['test_accuracy']:.4f}",
            f"{f['step_ms']:.2f}",
            f"{f['images_per_s']:,.0f}",
            f"{f['train_seconds']:.1f}",
            f"{f['peak_memory_mb']:.0f}" if f["peak_memory_mb"] else "-",
            f"{f['ratio']:.2f}" if f["ratio"] else "-",
            f"{f['loss_deviation']:.0e}" if f["ratio"] and label != "PyTorch" else "-",
        )
        for label, f in summary.items()
    ]
    return markdown_table(header, rows)


def draw(results, summary, path, title, note):
    """Write a picture of the curves, one over the other, and the costs, side by side.

    Args:
        results: {label: [JSON of each round]}.
        summary: figures of each contender, see ``summarise``.
        path: file to write.
        title: of the picture.
        note: remark for the picture, or "".
    """
    from np_nn import plots

    curves = []
    for label, runs in results.items():
        batches = {name: np.array(values) for name, values in runs[0]["runs"][0]["batches"].items()}
        curves.append(
            plots.Curve(
                label,
                batches["loss"],
                batches["accuracy"],
                runs[0]["test_accuracy"],
                runs[0]["test_loss"],
            )
        )
    bars = [{"label": label, **figures} for label, figures in summary.items()]
    return plots.plot_compare(curves, bars, path, title, note)


def parser():
    return cli.parser(__doc__.splitlines()[0], parents=[_own_parser()])


def _own_parser():
    """Return a Parser of the argument that the contenders do not take."""
    own = cli.Parser(add_help=False)
    own.add_argument("--rounds", type=cli.whole_number(1), default=3, metavar="N",
                     help="trainings of each contender (default: 3)")  # fmt: skip
    return own


def main(argv=None):
    rounds, arguments = _own_parser().parse_known_args(argv)
    args = cli.parse(parser(), arguments)

    # The programs have different default recipes: name the one that all run.
    results = measure(
        contenders(), rounds.rounds, ["--recipe", args.recipe, *arguments], args.quiet
    )
    summary = summarise(results)
    first = next(iter(results.values()))
    done, note = len(first), "; ".join(first[0]["warnings"])
    title = first[0]["title"]
    lines = [
        title,
        f"{first[0]['machine']}, {args.threads} threads; median of {done} rounds",
        "",
        table(summary),
        "",
        "times PyTorch: how many times faster a step is. loss deviation: the largest relative",
        f"difference to PyTorch's loss in the first {COMPARED_STEPS} steps.",
    ]
    if "PyTorch" not in summary:
        lines += ["PyTorch is not installed, so there is no ratio: pip install torch torchvision"]
    lines += [f"warning: {note}"] if note else []
    pictures = []
    content = {"title": title, "rounds": done, "contenders": summary, "results": results}
    if not args.no_plots:
        path = Path(args.out) / f"compare.{args.format}"
        pictures.append(lambda: [draw(results, summary, path, title, note)])
    cli.conclude([], "\n".join(lines), args.json, lambda: content, pictures)
    return 130 if done < rounds.rounds else 0


if __name__ == "__main__":
    cli.run(main)
