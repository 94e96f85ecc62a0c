"""How np_nn's own convolutional recipes were found: on the last 10,000 training images.

Trains the candidates of each goal, and the alternatives that they were chosen from, on the
first 50,000 images, and prints accuracy on the held-out ones and training time. The test set
is not looked at.
"""

from tuning import tune, variants

from np_nn import cli

FAST = {"model": "lenet", "hidden": (64,), "lr": 0.2, "epochs": 2}
SHORT = {
    "model": "lenet", "channels": (8, 16), "hidden": (128,), "lr": 0.17, "deskew": True,
    "steps": 800, "epochs": None,  # 60,000 images make 937 steps, 50,000 make 781
}  # fmt: skip
ONCE = {**SHORT, "steps": None, "epochs": 1}
MOVED = "affine:rotate=10,scale=0.1,shear=5,shift=1.5"
ELASTIC = "affine:rotate=10,scale=0.1,shear=5,shift=1+elastic:alpha=30,sigma=4"
LARGE = {"model": "lenet", "channels": (32, 64), "hidden": (128,), "dropout": 0.3, "lr": 0.1}
EXAMPLE = {"model": "convnet", "hidden": (128,), "dropout": 0.5, "lr": 0.05}
FASHION = {**LARGE, "dataset": "fashion", "model": "lenet5", "augment": "shift:pixels=1"}
LENET5 = {"model": "lenet5", "hidden": (120, 84), "lr": 0.1, "epochs": 15}

SMOOTHED = {share: f"cross_entropy:label_smoothing={share}" for share in (0.05, 0.15)}
WARMUP = "warmup_linear:warmup={}"

# What was tried for each goal: changes to tuning's BASE. The first of each is the one chosen.
GOALS = {
    "fast99conv": [
        SHORT,
        *variants(SHORT, steps=(600, 700)),
        {**SHORT, "steps": 600, "channels": (16, 32)},
        {**SHORT, "steps": 1000, "batch_size": 48, "lr": 0.15},
        ONCE,
        *variants(ONCE, lr=(0.15, 0.2, 0.25)),
        *variants(ONCE, batch_size=(32, 48), lr=(0.07, 0.12, 0.15, 0.16)),
        *variants(ONCE, batch_size=(80, 96), lr=(0.22, 0.25)),
        *variants(ONCE, lr=(0.17, 0.2), loss=(SMOOTHED[0.05], SMOOTHED[0.15])),
        *variants(ONCE, lr=(0.17, 0.2), schedule=tuple(map(WARMUP.format, (0.05, 0.25, 0.3)))),
        {**ONCE, "lr": 0.3, "optimizer": "sgd:momentum=0.85,nesterov=true"},
        {**ONCE, "lr": 0.25, "optimizer": "sgd:momentum=0.85,nesterov=true"},
        {**ONCE, "lr": 0.1, "optimizer": "sgd:momentum=0.95,nesterov=true"},
        {**ONCE, "lr": 0.2, "init": "kaiming_uniform"},
        *variants(ONCE, lr=(0.2,), hidden=((192,), (256,))),
        *variants(ONCE, lr=(0.2,), channels=((4, 16), (8, 24))),
        *variants(
            ONCE,
            hidden=((), (32,), (64,), (128,)),
            channels=((8, 16), (8, 24)),
            batch_size=(32,),
            lr=(0.07, 0.12),
            init=("torch", "kaiming_uniform"),
        ),
        *variants(
            ONCE,
            hidden=((64,),),
            channels=((8, 16), (8, 24), (16, 32)),
            batch_size=(32, 64),
            lr=(0.1, 0.2, 0.4),
        ),
        *variants(
            {**ONCE, "model": "simard"},
            hidden=((64,), (128,)),
            batch_size=(32,),
            channels=((8, 16), (8, 32), (16, 32), (16, 48)),
            lr=(0.06, 0.12),
        ),
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
    cli.run(lambda: tune(__doc__, GOALS))
