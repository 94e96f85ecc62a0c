"""How np_nn's own convolutional recipes were found: on the last 10,000 training images.

Trains the candidates of each goal, and the alternatives that they were chosen from, on the
first 50,000 images, and prints accuracy on the held-out ones and training time. The test set
is not looked at.
"""

from tuning import tune

from np_nn import cli, recipes

BASE = recipes.RECIPES["fast98"]
FAST = {"model": "lenet", "hidden": (64,), "lr": 0.2, "epochs": 2}
MOVED = "affine:rotate=10,scale=0.1,shear=5,shift=1.5"
ELASTIC = "affine:rotate=10,scale=0.1,shear=5,shift=1+elastic:alpha=30,sigma=4"
LARGE = {"model": "lenet", "channels": (32, 64), "hidden": (128,), "dropout": 0.3, "lr": 0.1}
EXAMPLE = {"model": "convnet", "hidden": (128,), "dropout": 0.5, "lr": 0.05}
FASHION = {**LARGE, "dataset": "fashion", "model": "lenet5", "augment": "shift:pixels=1"}
LENET5 = {"model": "lenet5", "hidden": (120, 84), "lr": 0.1, "epochs": 15}

# What was tried for each goal: changes to BASE. The first of each is the one chosen.
GOALS = {
    "fast99conv": [
        FAST,
        {**FAST, "hidden": (128,)},
        {**FAST, "hidden": (128,), "epochs": 1},
        {**FAST, "hidden": (128,), "epochs": 1, "batch_size": 32, "lr": 0.1},
    ],
    "fast994conv": [
        {**LARGE, "augment": MOVED, "epochs": 6},
        {**LARGE, "augment": MOVED, "epochs": 10},
    ],
    "lenet_distorted": [
        {**LARGE, "augment": MOVED, "epochs": 20},
        {
            **LARGE,
            "model": "lenet5",
            "hidden": (256,),
            "dropout": 0.4,
            "lr": 0.08,
            "augment": ELASTIC,
            "epochs": 25,
        },
        {**EXAMPLE, "augment": ELASTIC.replace("30", "20"), "epochs": 10},
    ],
    "fashion_moved": [
        {**FASHION, "hidden": (256,), "dropout": 0.4, "lr": 0.04, "epochs": 25},
        {**FASHION, "lr": 0.1, "epochs": 20},
        {**FASHION, "lr": 0.05, "epochs": 15, "augment": ""},
    ],
    "lenet5_relu": [LENET5, {**LENET5, "lr": 0.05}],
}

if __name__ == "__main__":
    cli.run(lambda: tune(__doc__, BASE, GOALS))
