"""How np_nn's own convolutional recipes were found: on the last 10,000 training images.

Trains the candidates of each goal, and the alternatives that they were chosen from, on the
first 50,000 images, and prints accuracy on the held-out ones and training time. The test set
is not looked at.
"""

from tuning import tune

from np_nn import cli, recipes

BASE = recipes.RECIPES["fast98"]
FAST = {"model": "lenet", "hidden": (64,), "lr": 0.2, "epochs": 2}
LENET5 = {"model": "lenet5", "hidden": (120, 84), "lr": 0.1, "epochs": 15}

# What was tried for each goal: changes to BASE. The first of each is the one chosen.
GOALS = {
    "fast99conv": [
        FAST,
        {**FAST, "hidden": (128,)},
        {**FAST, "hidden": (128,), "epochs": 1},
        {**FAST, "hidden": (128,), "epochs": 1, "batch_size": 32, "lr": 0.1},
    ],
    "lenet5_relu": [LENET5, {**LENET5, "lr": 0.05}],
}

if __name__ == "__main__":
    cli.run(lambda: tune(__doc__, BASE, GOALS))
