"""How np_nn's own recipes for high accuracy were found: on the last 10,000 training images.

Trains the candidates of each goal, and the alternatives that they were chosen from, on the
first 50,000 images, and prints accuracy on the held-out ones and training time. The test set
is not looked at.
"""

import itertools
import statistics
from dataclasses import replace

import numpy as np

import np_nn as nn
from np_nn import cli, losses, models, optim, recipes, report, run
from np_nn.prepare import prepare
from np_nn.progress import announce

HELD_OUT = 10_000
BASE = replace(recipes.RECIPES["fast98"], validation=HELD_OUT)
MOMENTUM = BASE.optimizer
MILD = "affine:rotate=7,scale=0.1,shear=5,shift=0.5+elastic:alpha=20,sigma=4"
LIGHT = "affine:rotate=5,scale=0.07,shear=3,shift=0.3+elastic:alpha=14,sigma=4"
LIGHTLY = {"deskew": True, "augment": LIGHT, "lr": 0.25}
NOISY = {"norm": "batch", "noise": 0.3, "input_noise": 0.3, "lr": 0.15, "batch_size": 128}


def variants(**choices):
    """Every combination of the values listed, as changes to BASE."""
    return [
        dict(zip(choices, values, strict=True)) for values in itertools.product(*choices.values())
    ]


PLAIN = {"hidden": (1024,), "lr": 0.2, "epochs": 12}
STRAIGHT = {**PLAIN, "deskew": True, "epochs": 16}
DISTORTED = {"deskew": True, "augment": MILD, "batch_size": 128}
SMALL = {**DISTORTED, "hidden": (512, 512), "lr": 0.08, "epochs": 25}

# What was tried for each goal: changes to BASE. The first of each is the one chosen.
GOALS = {
    "fast99": [
        {**LIGHTLY, "hidden": (512,), "epochs": 10},
        {**LIGHTLY, "hidden": (384,), "epochs": 10},
        {**LIGHTLY, "hidden": (384,), "epochs": 12},
        {**LIGHTLY, "hidden": (512,), "epochs": 8, "augment": MILD},
        {"deskew": True, "hidden": (768,), "lr": 0.2, "epochs": 8},
        {"deskew": True, "lr": 0.25, "epochs": 6},
        *variants(deskew=(True,), lr=(0.25,), epochs=(8,)),
        *variants(deskew=(True,), lr=(0.25,), hidden=((512,),), epochs=(6,)),
        *variants(deskew=(True,), epochs=(3, 4, 5, 6, 8)),
        *variants(deskew=(True,), lr=(0.2, 0.4), epochs=(5,)),
        *variants(deskew=(True,), hidden=((256,), (512,)), epochs=(5,)),
        *variants(deskew=(True,), batch_size=(32, 128), epochs=(5,)),
    ],
    "plain": [
        PLAIN,
        {**PLAIN, "loss": "cross_entropy"},
        {**PLAIN, "optimizer": f"{MOMENTUM},weight_decay=1e-4"},
        {**PLAIN, "hidden": (512, 512), "lr": 0.1},
    ],
    "deskewed": [
        STRAIGHT,
        {**STRAIGHT, "input_dropout": 0.2},
        {**STRAIGHT, "hidden": (2048,), "epochs": 10},
    ],
    "noisy": [
        {**NOISY, "hidden": (512, 512), "epochs": 40},
        {**NOISY, "hidden": (1024, 512), "epochs": 40},
        {"input_dropout": 0.2, "hidden": (512, 512), "lr": 0.1, "batch_size": 128, "epochs": 40},
        {**PLAIN, "dropout": 0.5, "batch_size": 128, "epochs": 20},
    ],
    "distorted": [
        {**DISTORTED, "hidden": (768, 512), "lr": 0.08, "epochs": 40},
        {**DISTORTED, "hidden": (1024,), "lr": 0.15, "epochs": 40},
        SMALL,
        {**SMALL, "augment": MILD.replace("alpha=20,sigma=4", "alpha=15,sigma=3")},
        {**SMALL, "augment": "affine:rotate=15,scale=0.15+elastic:alpha=15,sigma=4"},
        {
            **SMALL,
            "deskew": False,
            "augment": MILD.replace("rotate=7", "rotate=10").replace("shear=5", "shear=10"),
        },
    ],
}


def trial(settings, data, seed):
    """(accuracy on the held-out images, seconds of training) of one run."""
    model = models.build(settings, data, seed)
    optimizer = optim.build(settings, model.parameters())
    options = run.fit_options(settings, data) | {"validation": None, "seed": seed, "quiet": True}
    history = nn.fit(model, data.train, losses.build(settings, data), optimizer, **options)
    return nn.evaluate(model, data.validation).accuracy, history.train_seconds


def row(changes, data, seeds):
    """A line of the table: mean accuracy, its spread, mean seconds, and what was changed."""
    settings = replace(BASE, **changes)
    prepared = prepare(settings, data)
    runs = [trial(settings, prepared, seed) for seed in seeds]
    accuracy, seconds = np.mean(runs, axis=0)
    spread = statistics.stdev(run[0] for run in runs) if len(runs) > 1 else 0.0
    words = ", ".join(f"{name} {value}" for name, value in changes.items())
    return f"{accuracy:.4f}", f"{spread:.4f}", f"{seconds:.1f}", words


def main(argv=None):
    command = cli.Parser(description=__doc__)
    command.add_argument("goals", nargs="*", metavar="GOAL", help=f"of {', '.join(GOALS)}: all")
    command.add_argument("--seeds", type=cli.whole_number(1), default=3, metavar="N")
    command.add_argument("--threads", type=cli.whole_number(1), metavar="N")
    args = command.parse_args(argv)

    unknown = set(args.goals) - set(GOALS)
    if unknown:
        command.error(f"unknown goal {unknown.pop()}; choose from {', '.join(GOALS)}")
    if args.threads:
        nn.ops.set_threads(args.threads)
    data = nn.load("mnist")
    for goal in args.goals or GOALS:
        print(f"\n## {goal}\n")
        rows = [row(changes, data, range(args.seeds)) for changes in announce(GOALS[goal], str)]
        print(report.markdown_table(("held out", "±", "seconds", "changes to fast98"), rows))
    return 0


if __name__ == "__main__":
    cli.run(main)
