"""Shared parts of the recipe searches: training on a part of the training set.

The last 10,000 training images are held out to judge the candidates. The test set is not used.
"""

import itertools
import statistics
from dataclasses import replace

import numpy as np

import np_nn as nn
from np_nn import cli
from np_nn.recipes import RECIPES, run
from np_nn.recipes.prepare import prepare
from np_nn.utils.markdown import markdown_table
from np_nn.utils.progress import announce

HELD_OUT = 10_000

# The base that the candidates of all goals change; it is not a published recipe.
BASE = replace(
    RECIPES["fast98"], name="the base", init="torch", hidden=(384,), lr=0.3, epochs=2, deskew=False
)


def variants(shared=None, **choices):
    """Return each combination of the choices, with the shared changes, as changes to BASE."""
    combinations = itertools.product(*choices.values())
    return [
        {**(shared or {}), **dict(zip(choices, values, strict=True))} for values in combinations
    ]


def of_sizes(sizes, candidates):
    """Return the candidates with each (batch_size, lr), as the rate depends on the size."""
    return [{**one, "batch_size": size, "lr": lr} for one in candidates for size, lr in sizes]


def smoothed(*shares):
    """Return cross-entropies with these amounts of label smoothing."""
    return tuple(f"cross_entropy:label_smoothing={share}" for share in shares)


def warmup(*shares):
    """Return schedules whose rate rises over these fractions of the run."""
    return tuple(f"warmup_linear:warmup={share}" for share in shares)


def trial(settings, data, seed):
    """Train once; return (accuracy on the held-out images, seconds of training)."""
    data = replace(data, test=data.validation, validation=None)
    result = run.train(settings, data, seed, quiet=True)
    return result.test.accuracy, result.history.train_seconds


def row(changes, data, seeds):
    """Return a row of the table: mean accuracy, its spread, mean seconds, and the changes."""
    settings = replace(BASE, validation=HELD_OUT, **changes)
    prepared = prepare(settings, data)
    runs = [trial(settings, prepared, seed) for seed in seeds]
    accuracy, seconds = np.mean(runs, axis=0)
    spread = statistics.stdev(run[0] for run in runs) if len(runs) > 1 else 0.0
    words = ", ".join(f"{name} {value}" for name, value in changes.items())
    return f"{accuracy:.4f}", f"{spread:.4f}", f"{seconds:.1f}", words


def tune(description, goals, argv=None):
    """Run a program that trains the candidates of goals and prints a table of each.

    Args:
        description: text of --help.
        goals: {name: [changes to BASE]}.
        argv: arguments of the command line; None: sys.argv's.
    """
    command = cli.Parser(description=description)
    command.add_argument(
        "goals", nargs="*", metavar="GOAL", help=f"of {', '.join(goals)} (default: all)"
    )
    command.add_argument("--seeds", type=cli.whole_number(1), default=3, metavar="N")
    command.add_argument("--threads", type=cli.whole_number(1), metavar="N")
    args = command.parse_args(argv)

    unknown = set(args.goals) - set(goals)
    if unknown:
        command.error(f"unknown goal {unknown.pop()}; choose from {', '.join(goals)}")
    if args.threads:
        nn.ops.set_threads(args.threads)
    for goal in args.goals or goals:
        print(f"\n## {goal}\n")
        rows = []
        for changes in announce(goals[goal], str):
            data = nn.load(changes.get("dataset", BASE.dataset))
            rows.append(row(changes, data, range(args.seeds)))
        print(markdown_table(("held out", "±", "seconds", f"changes to {BASE.name}"), rows))
    return 0
