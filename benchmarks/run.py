"""All benchmarks: python benchmarks/run.py, or make bench. Prints Markdown, writes RESULTS.md.

Each contender is a process of its own; they take turns for some rounds, frozen while they
wait, and a figure is the median of the rounds' medians. Ctrl-C prints the tables so far.
"""

import signal
import sys
from pathlib import Path

import accuracy
import convolution
import estimator
import inference
import limits
import targets
import training
from contenders import CONTENDERS
from contenders.problem import dataset
from session import Session
from team import Team

import kernels
from np_nn import cli, ops
from np_nn.utils import files, machine

RESULTS = Path(__file__).with_name("RESULTS.md")
PACKAGES = ("numpy", "torch", "scikit-learn", "jax")
PARTS = {
    part.__name__: part.run
    for part in (kernels, training, convolution, inference, accuracy, estimator, limits)
}


def main(argv=None):
    command = cli.Parser(description=__doc__)
    command.add_argument("--rounds", type=cli.whole_number(1), metavar="N", help="default: 5")
    command.add_argument(
        "--parts", nargs="+", choices=PARTS, metavar="PART",
        help=f"only these, of {', '.join(PARTS)}; writes no file but --out",
    )  # fmt: skip
    command.add_argument("--quick", action="store_true", help="a smoke test; writes no file")
    command.add_argument("--quiet", action="store_true", help="no progress")
    command.add_argument("--out", type=Path, metavar="FILE", help=f"default: {RESULTS.name}")
    args = command.parse_args(argv)
    out = args.out or (None if args.quick or args.parts else RESULTS)
    if out:
        files.check_file(out)
    dataset("mnist")  # if it is missing, say so at once
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the players end as well

    rounds, seconds = (1, 0.05) if args.quick else (5, 0.25)
    checked, document = kernels.check(), []
    with Team() as team:
        session = Session(team, args.rounds or rounds, seconds, args.quick, args.quiet)
        for text in report(session, checked, args.parts or PARTS):
            print(text, end="\n\n", flush=True)
            document.append(text)
    if session.interrupted:
        print("interrupted; kept: the tables above", file=sys.stderr)
        return 130
    if out:
        files.write_file(out, ("\n\n".join(document) + "\n").encode())
        print(f"written: {out}", file=sys.stderr)
    return 0


def report(session, checked, parts):
    """Yield these parts of the document as they are done."""
    yield head(session, checked)
    limits.measure(session)
    for part in parts:
        if text := PARTS[part](session):
            yield text
    if session.targets:
        yield f"## Summary\n\n{targets.summary(session.targets)}"


def head(session, checked):
    """What was run, on what, with what."""
    versions = ", ".join(f"{k} {v}" for k, v in machine.versions(*PACKAGES).items())
    missing = [label for label, contender in CONTENDERS.items() if not contender.installed]
    lines = [
        "# Benchmarks",
        f"`{' '.join(['python benchmarks/run.py', *sys.argv[1:]])}` on {machine.describe()}.",
        f"{versions}; np_nn's kernels: {ops.describe()}.",
        f"Threads where nothing else is said: {session.cores}. Each contender is a process of its "
        f"own; they take turns. Rounds: {session.rounds}; a figure is the median of the rounds' "
        "medians.",
        checked,
    ]
    if missing:
        lines.append(f"Not installed: {', '.join(missing)}.")
    return "\n\n".join(lines)


if __name__ == "__main__":
    cli.run(main)
