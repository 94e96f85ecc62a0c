"""Search for np_nn's own convolutional recipes, judged by the last 10,000 training images.

Trains the chosen recipe of each goal and its alternatives on the first 50,000 images, and prints
accuracy on the held-out ones and training time. The test set is not used.
"""

from tuning import of_sizes, smoothed, tune, variants, warmup

from np_nn import cli

FAST = {"model": "lenet", "hidden": (64,), "lr": 0.2, "epochs": 2}
SMALL = {"model": "lenet", "channels": (8, 16), "hidden": (128,), "deskew": True}
ONCE = {**SMALL, "lr": 0.17, "epochs": 1}
SHORT = {  # 48,000 images, about as many as an epoch has here
    **SMALL, "schedule": "warmup_linear:warmup=0.4", "epochs": None,
    "steps": 600, "batch_size": 80, "lr": 0.25,
}  # fmt: skip
LATE = {**SHORT, "steps": None, "epochs": 1}
MOVED = "affine:rotate=10,scale=0.1,shear=5,shift=1.5"
ELASTIC = "affine:rotate=10,scale=0.1,shear=5,shift=1+elastic:alpha=30,sigma=4"
LIGHT = "affine:rotate=5,scale=0.07,shear=3,shift=1+elastic:alpha=10,sigma=4"
QUICK = {
    "model": "lenet", "channels": (16, 48), "hidden": (128,), "lr": 0.15, "epochs": 4,
    "deskew": True, "augment": LIGHT,
}  # fmt: skip
GENTLE = "affine:rotate=5,scale=0.07,shear=3,shift=0.3+elastic:alpha=14,sigma=4"
BEST = {
    "model": "lenet", "channels": (32, 96), "hidden": (256,), "dropout": 0.3, "lr": 0.1,
    "epochs": 30, "deskew": True, "augment": GENTLE,
}  # fmt: skip
RESNET = {"model": "resnet", "hidden": (512,), "lr": 0.1, "deskew": True}  # hidden: none
LARGE = {"model": "lenet", "channels": (32, 64), "hidden": (128,), "dropout": 0.3, "lr": 0.1}
EXAMPLE = {"model": "convnet", "hidden": (128,), "dropout": 0.5, "lr": 0.05}
FASHION = {**LARGE, "dataset": "fashion", "model": "lenet5", "augment": "shift:pixels=1"}
LENET5 = {"model": "lenet5", "hidden": (120, 84), "lr": 0.1, "epochs": 15}

# Candidates of each goal, as changes to tuning's BASE. The first one is the one chosen.
GOALS = {
    "fast99conv": [
        SHORT,
        *variants(
            {**SHORT, "steps": 540, "batch_size": 96}, lr=(0.3, 0.35), schedule=warmup(0.4, 0.5)
        ),
        *of_sizes(((96, 0.25), (96, 0.3), (128, 0.25)), [LATE]),
        *of_sizes(((96, 0.25), (128, 0.25)), variants(LATE, schedule=warmup(0.3))),
        *of_sizes(((96, 0.2), (128, 0.2)), [ONCE]),
        *of_sizes(((96, 0.2),), variants(ONCE, hidden=((64,),))),
        *of_sizes(((96, 0.25),), variants(LATE, hidden=((64,),))),
        *of_sizes(((128, 0.2),), variants(LATE, init=("kaiming_uniform",))),
        *variants(SHORT, steps=(500, 560, 580, 640)),
        *variants({**ONCE, "epochs": None}, steps=(600, 700, 800)),
        {**ONCE, "epochs": None, "steps": 600, "channels": (16, 32)},
        {**ONCE, "epochs": None, "steps": 1000, "batch_size": 48, "lr": 0.15},
        *of_sizes(
            (
                (32, 0.12),
                (32, 0.16),
                (48, 0.12),
                (48, 0.15),
                (64, 0.15),
                (64, 0.17),
                (64, 0.2),
                (64, 0.25),
                (80, 0.22),
                (96, 0.25),
            ),
            [ONCE],
        ),
        *variants(ONCE, lr=(0.17, 0.2), loss=smoothed(0.05, 0.15)),
        *variants(ONCE, lr=(0.17, 0.2), schedule=warmup(0.05, 0.25, 0.3)),
        {**ONCE, "lr": 0.3, "optimizer": "sgd:momentum=0.85,nesterov=true"},
        {**ONCE, "lr": 0.25, "optimizer": "sgd:momentum=0.85,nesterov=true"},
        {**ONCE, "lr": 0.1, "optimizer": "sgd:momentum=0.95,nesterov=true"},
        {**ONCE, "lr": 0.2, "init": "kaiming_uniform"},
        *variants({**ONCE, "lr": 0.2}, hidden=((192,), (256,))),
        *variants({**ONCE, "lr": 0.2}, channels=((4, 16), (8, 24))),
        *of_sizes(
            ((32, 0.07), (32, 0.12)),
            variants(
                ONCE,
                hidden=((), (32,), (64,), (128,)),
                channels=((8, 16), (8, 24)),
                init=("torch", "kaiming_uniform"),
            ),
        ),
        *of_sizes(
            ((32, 0.1), (32, 0.2), (64, 0.2), (64, 0.4)),
            variants(ONCE, hidden=((64,),), channels=((8, 16), (8, 24), (16, 32))),
        ),
        *of_sizes(
            ((32, 0.06), (32, 0.12)),
            variants(
                {**ONCE, "model": "simard"},
                hidden=((64,), (128,)),
                channels=((8, 16), (8, 32), (16, 32), (16, 48)),
            ),
        ),
        FAST,
        {**FAST, "hidden": (128,)},
        {**FAST, "hidden": (128,), "epochs": 1},
        {**FAST, "hidden": (128,), "epochs": 1, "batch_size": 32, "lr": 0.1},
    ],
    "fast994conv": [
        QUICK,
        {**QUICK, "epochs": 3},
        *of_sizes(
            ((32, 0.07), (32, 0.1)), variants(QUICK, epochs=(3, 4), channels=((16, 32), (16, 48)))
        ),
        {**QUICK, "channels": (16, 32), "epochs": 5},
        {**QUICK, "channels": (16, 64), "epochs": 3, "batch_size": 32, "lr": 0.1},
        *variants(
            {**QUICK, "batch_size": 32, "lr": 0.1},
            augment=(LIGHT, LIGHT.replace("alpha=10", "alpha=16"), LIGHT.partition("+")[0]),
        ),
        {**QUICK, "batch_size": 32, "lr": 0.1, "hidden": (192,), "dropout": 0.2},
        *[
            {**QUICK, "batch_size": 32, "lr": lr, "channels": channels, "epochs": epochs, **moved}
            for channels, epochs, lr in (((16, 32), 6, 0.1), ((32, 64), 3, 0.08))
            for moved in (
                {"augment": LIGHT.partition("+")[0]},
                {"augment": "affine:rotate=7,scale=0.07,shear=3,shift=1", "deskew": False},
            )
        ],
        {**LARGE, "augment": MOVED, "epochs": 6},
        {**LARGE, "augment": MOVED, "epochs": 10},
    ],
    "best5min": [
        BEST,
        {**BEST, "epochs": 60},
        {**BEST, "epochs": 45, "augment": GENTLE.replace("shift=0.3", "shift=1")},
        {**BEST, "epochs": 45, "hidden": (512,), "dropout": 0.5},
        {**BEST, "epochs": 40, "channels": (64, 128), "hidden": (512,), "dropout": 0.4},
        {
            **BEST,
            "epochs": 40,
            "channels": (48, 96),
            "hidden": (384,),
            "dropout": 0.4,
            "augment": "affine:rotate=7,scale=0.1,shear=5,shift=0.5+elastic:alpha=20,sigma=4",
        },
        {**BEST, "optimizer": "sgd:momentum=0.9,nesterov=true,weight_decay=2e-4"},
        {**BEST, "deskew": False, "augment": ELASTIC.replace("30", "20")},
        {
            **BEST,
            "model": "lenet5",
            "channels": (32, 64),
            "dropout": 0.4,
            "lr": 0.08,
        },
        {
            **BEST,
            "lr": 0.15,
            "batch_size": 128,
            "augment": "affine:rotate=7,scale=0.1,shear=3,shift=1+elastic:alpha=14,sigma=4",
        },
        # Six minutes on two cores of Zen 5:
        {**RESNET, "channels": (16, 32, 64), "epochs": 12, "augment": GENTLE},
        {**RESNET, "channels": (8, 16, 32), "epochs": 20, "augment": GENTLE},
        {
            **RESNET,
            "channels": (16, 32, 64),
            "epochs": 14,
            "augment": "affine:rotate=7,scale=0.1,shear=3,shift=1+elastic:alpha=14,sigma=4",
        },
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
