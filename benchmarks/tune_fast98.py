"""How the settings of the recipe fast98 were found: on the last 10,000 training images.

Trains on the first 50,000 images with every combination of the settings below,
and prints accuracy on the held-out ones and training time, the best first. The
test set is not looked at.
"""

import itertools
import statistics
from dataclasses import replace

import numpy as np
from tuning import HELD_OUT, trial

import np_nn as nn
from np_nn import cli, recipes
from np_nn.recipes.prepare import prepare
from np_nn.utils.markdown import markdown_table
from np_nn.utils.progress import announce

GRID = {
    "hidden": ((256,), (384,), (512,)),
    "batch_size": (64, 128, 256),
    "epochs": (2, 3),
    "lr": (0.1, 0.2, 0.3),
    "loss": tuple(f"cross_entropy:label_smoothing={share}" for share in (0.0, 0.05, 0.1)),
}


def main(argv=None):
    command = cli.Parser(description=__doc__)
    command.add_argument("--seeds", type=cli.whole_number(1), default=3, metavar="N")
    command.add_argument("--rows", type=cli.whole_number(1), default=25, metavar="N")
    args = command.parse_args(argv)

    data = nn.load("mnist")
    rows = []
    for values in announce(list(itertools.product(*GRID.values())), str):
        changes = dict(zip(GRID, values, strict=True))
        settings = replace(recipes.RECIPES["fast98"], validation=HELD_OUT, **changes)
        prepared = prepare(settings, data)
        runs = [trial(settings, prepared, seed) for seed in range(args.seeds)]
        accuracy, seconds = np.mean(runs, axis=0)
        spread = statistics.stdev(run[0] for run in runs) if len(runs) > 1 else 0.0
        rows.append((accuracy, spread, seconds, *values))
    rows.sort(reverse=True)
    header = ("held out", "±", "seconds", *GRID)
    shown = [(f"{a:.4f}", f"{s:.4f}", f"{t:.2f}", *values) for a, s, t, *values in rows]
    print(markdown_table(header, shown[: args.rows]))
    return 0


if __name__ == "__main__":
    cli.run(main)
