"""All benchmarks: python benchmarks/run.py, or make bench.

Prints Markdown, and writes RESULTS.md and, with the records, RECORDS.md.

Each contender is a process of its own. They take turns for several rounds, and are stopped while
they wait; a figure is the median of the rounds' medians. Ctrl-C prints the tables so far.
"""

import signal
import sys
from pathlib import Path

import avx2
import convolution
import estimator
import inference
import limits
import one_page
import records
import starting
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
RECORDS = RESULTS.with_name("RECORDS.md")
PACKAGES = ("numpy", "torch", "scikit-learn", "jax")
PARTS = {
    part.__name__: part.run
    for part in (
        kernels,
        training,
        avx2,
        convolution,
        inference,
        starting,
        estimator,
        one_page,
        limits,
        records,
    )
}


def main(argv=None):
    command = cli.Parser(description=__doc__)
    command.add_argument("--rounds", type=cli.whole_number(1), metavar="N", help="default: 5")
    command.add_argument(
        "--parts", nargs="+", choices=PARTS, metavar="PART",
        help=f"run only these of {', '.join(PARTS)}; writes no file but --out",
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
    checked, document = kernels.check(), {}
    with Team() as team:
        session = Session(team, args.rounds or rounds, seconds, args.quick, args.quiet)
        for name, text in report(session, checked, args.parts or PARTS):
            print(text, end="\n\n", flush=True)
            document[name] = text
    if session.interrupted:
        print("interrupted; kept: the tables above", file=sys.stderr)
        return 130
    if out == RESULTS and "records" in document:
        write(RECORDS, [document["head"], document.pop("records")])
    if out:
        write(out, document.values())
    return 0


def write(path, texts):
    files.write_file(path, ("\n\n".join(texts) + "\n").encode())
    print(f"written: {path}", file=sys.stderr)


def report(session, checked, parts):
    """Yield (name, text) of these parts of the document as they are done."""
    yield "head", head(session, checked)
    if {"training", "limits"} & set(parts):
        limits.measure(session)
    for part in parts:
        if text := PARTS[part](session):
            yield part, text
    if session.targets:
        yield "summary", f"## Summary\n\n{targets.summary(session.targets)}"


def head(session, checked):
    """Return the head of the document: command, machine, versions, threads and rounds."""
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
