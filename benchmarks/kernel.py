"""Build one kernel and time it: python benchmarks/kernel.py KERNEL, or make kernel K=KERNEL.

Compiles the kernel's family into build/kernel/, compares the kernel with its reference, and times
it beside NumPy, torch, earlier builds kept by --save, and the function of the module NP_NN_USE.
Each contender is a process of its own; they take turns for several rounds, and a figure is the
median of the rounds' medians.
"""

import argparse
import difflib
import os
import re
import sys

from builds import ROOT, Builds
from contenders import LAYERS, OWN, TORCH
from contenders.kernel_cases import CASES
from contenders.problem import dataset
from side_by_side import BUSY, disturbed, table
from team import Team

from np_nn import cli, ops
from np_nn.utils import machine
from np_nn.utils.errors import NpNNError

ROUNDS, SECONDS = 5, 0.1  # turns of each contender; seconds of a turn


def main(argv=None):
    args = parser().parse_args(argv)
    cases, builds = cases_of(args.kernel), Builds(family_of(args.kernel), instruction_set())
    rivals = {f"saved: {name}": str(builds.saved(name)) for name in args.against}
    own = os.environ.get("NP_NN_USE")
    rivals |= {own: OWN} if own else {}
    labels = {"now": str(builds.stem)} | rivals | {"NumPy": LAYERS, "torch": TORCH}
    dataset("mnist")  # report a missing data set at once
    with Team() as team, builds.start() as compiler:
        prepare(team, labels, cases[0], args.threads)
        builds.finish(compiler)
        threads = f"{args.threads} thread{'s' * (args.threads > 1)}"
        print(f"{machine.describe()}; {builds.isa}, {threads}, {args.rounds} rounds.")
        for case in cases:
            try:
                print(f"\n{timed(team, case, labels, args)}", flush=True)
            except WrongError as error:
                print(f"{case} is not timed: {error}", file=sys.stderr)
                return 1
    if args.save:
        builds.save(args.save)
    return 0


def parser():
    command = cli.Parser(description=__doc__)
    add = command.add_argument
    add(
        "kernel",
        metavar="KERNEL",
        help="name of the kernel, optionally with a layer: 'linear_forward 512-10'",
    )
    add("--save", type=file_name, metavar="NAME", help="keep this build under a name")
    add("--against", type=file_name, nargs="+", default=[], metavar="NAME",
        help="time these saved builds as well")  # fmt: skip
    add("--threads", type=cli.whole_number(1), default=machine.cores(), metavar="N",
        help="default: the number of cores")  # fmt: skip
    add("--rounds", type=cli.whole_number(1), default=ROUNDS, metavar="N",
        help=f"default: {ROUNDS}")  # fmt: skip
    return command


def file_name(word):
    """Return a word that is valid as a folder's name; the type of arguments of argparse."""
    if not re.fullmatch(r"\w[\w.-]*", word):
        raise argparse.ArgumentTypeError(f"{word!r} is not a name: use letters, digits, . - _")
    return word


# ---- Which kernel ----------------------------------------------------------------------------


def family_of(kernel):
    """Return the family that defines a kernel. Raises NpNNError if none does."""
    name = kernel.split()[0] if kernel.strip() else kernel
    known = {}
    for path in sorted((ROOT / "kernels").glob("*/*.p[xy][xi]")):
        for found in re.findall(r"^def (\w+)\(", path.read_text("utf-8"), re.M):
            known[found] = path.parent.name
    known = {found: family for found, family in known.items() if found in ops.REFERENCE}
    if name in known:
        return known[name]
    if name in ops.REFERENCE:
        raise NpNNError(
            f"{name} has no kernel and runs on NumPy: kernels/README.md describes how to add one"
        )
    nearest = difflib.get_close_matches(name, known, n=3, cutoff=0)
    raise NpNNError(f"unknown kernel {name!r}; the nearest are {', '.join(nearest)}")


def cases_of(kernel):
    """Return the cases of a kernel, or of one of its layers. Raises NpNNError if there is none."""
    found = [case for case in CASES if kernel in (case, case.split()[0])]
    if found:
        return found
    family_of(kernel)
    layers = [case for case in CASES if case.split()[0] == kernel.split()[0]]
    if layers:
        raise NpNNError(f"unknown case {kernel!r}: one of {', '.join(layers)}")
    raise NpNNError(
        f"{kernel} has no arguments: add them to CASES in benchmarks/contenders/kernel_cases.py"
    )


def instruction_set():
    """Return the instruction set of the kernels. Raises NpNNError if none are installed."""
    for kernel in ops.KERNELS.values():
        extension = sys.modules[kernel.__module__]
        if hasattr(extension, "isa"):
            return extension.isa()
    raise NpNNError("no kernels are installed: 'pip install -e .' builds them")


# ---- A case ----------------------------------------------------------------------------------


class WrongError(Exception):
    """Reason why the built kernel is not timed."""


def request(case):
    return {"task": "kernel", "arguments": {"case": case}, "seconds": SECONDS}


def prepare(team, labels, case, threads):
    """Start all contenders, and warm up all but the new build, while the compiler runs.

    Args:
        team: Team.
        labels: {name: label of a contender}, the new build first.
        case: one of CASES.
        threads: number of threads.
    """
    now, *others = labels.values()
    team.start(now, threads)
    team.take_turns(others, request(case), threads, 1)


def timed(team, case, labels, args):
    """Return the table of a case. Raises WrongError for a kernel that fails its check.

    Args:
        team: Team.
        case: one of CASES.
        labels: {name: label of a contender}, with the new build as "now".
        args: with threads and rounds.
    """
    trial = team.take_turns([labels["now"]], request(case), args.threads, 1)
    if trial.failures:
        raise WrongError(trial.failures[labels["now"]])
    figures = team.take_turns(labels.values(), request(case), args.threads, args.rounds)
    turns = {
        name: figures.answers[label] for name, label in labels.items() if label in figures.answers
    }
    failures = {name: figures.failures.get(label) for name, label in labels.items()}
    notes = [f"{name}: {reason}." for name, reason in failures.items() if reason]
    if any(map(disturbed, turns.values())):
        notes.append(BUSY)
    return "\n\n".join([table(case, turns), *notes])


if __name__ == "__main__":
    cli.run(main)
