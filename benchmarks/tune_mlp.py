"""Search for np_nn's own mlp recipes, judged by the last 10,000 training images.

Trains the chosen recipe of each goal and its alternatives on the first 50,000 images, and prints
accuracy on the held-out ones and training time. The test set is not used.
"""

from tuning import BASE, of_sizes, smoothed, tune, variants, warmup

from np_nn import cli

MOMENTUM = BASE.optimizer
MILD = "affine:rotate=7,scale=0.1,shear=5,shift=0.5+elastic:alpha=20,sigma=4"
LIGHT = "affine:rotate=5,scale=0.07,shear=3,shift=0.3+elastic:alpha=14,sigma=4"
STRONGER = "affine:rotate=6,scale=0.08,shear=4,shift=0.4+elastic:alpha=18,sigma=4"
WEAKER = "affine:rotate=4,scale=0.05,shear=2,shift=0.3+elastic:alpha=10,sigma=4"
SMOOTH = "affine:rotate=5,scale=0.07,shear=3,shift=0.3+elastic:alpha=20,sigma=6"
LIGHTLY = {"deskew": True, "augment": LIGHT, "lr": 0.25}
NOISY = {"norm": "batch", "noise": 0.3, "input_noise": 0.3, "lr": 0.15, "batch_size": 128}
ONCE = {"deskew": True, "epochs": 1, "init": "kaiming_uniform"}
PLAIN = {"hidden": (1024,), "lr": 0.2, "epochs": 12}
STRAIGHT = {**PLAIN, "deskew": True, "epochs": 16}
DISTORTED = {"deskew": True, "augment": MILD, "batch_size": 128}
SMALL = {**DISTORTED, "hidden": (512, 512), "lr": 0.08, "epochs": 25}

# Candidates of each goal, as changes to BASE. The first one is the one chosen.
GOALS = {
    "fast98": [
        {**ONCE, "hidden": (160,), "lr": 0.3},
        *of_sizes(
            ((48, 0.15), (48, 0.25), (64, 0.2), (64, 0.3), (80, 0.25), (80, 0.35)),
            variants(ONCE, hidden=((96,), (112,), (128,), (144,), (160,))),
        ),
        *variants(
            {**ONCE, "hidden": (128,)},
            lr=(0.3, 0.35, 0.4),
            loss=smoothed(0.1, 0.12, 0.15),
            schedule=warmup(0.1, 0.15, 0.25),
        ),
        *variants(ONCE, hidden=((128,), (192,)), lr=(0.3, 0.4, 0.6), loss=smoothed(0.1, 0.15, 0.2)),
        *variants(
            ONCE,
            hidden=((128,), (192,)),
            lr=(0.3, 0.5),
            loss=smoothed(0.1, 0.2),
            schedule=warmup(0.05, 0.3),
        ),
        *variants(
            {**ONCE, "init": "torch"},
            hidden=((128,), (192,)),
            lr=(0.4, 0.6),
            loss=smoothed(0.15, 0.2),
        ),
        *[
            {**candidate, "optimizer": f"sgd:momentum={momentum},nesterov=true", "lr": lr}
            for candidate in variants({**ONCE, "hidden": (192,)}, loss=smoothed(0.1, 0.2))
            for momentum, lr in ((0.8, 0.6), (0.85, 0.5), (0.95, 0.2))
        ],
        *of_sizes(
            ((32, 0.2), (64, 0.2), (64, 0.4), (96, 0.4), (96, 0.6), (128, 0.4), (128, 0.6)),
            variants(ONCE, hidden=((128,), (160,), (192,), (256,)), loss=smoothed(0.0, 0.05, 0.1)),
        ),
        *of_sizes(
            ((32, 0.1), (32, 0.2), (64, 0.2), (64, 0.4), (128, 0.4), (128, 0.7)),
            variants(
                {"epochs": 1},
                hidden=((256,), (384,)),
                deskew=(False, True),
                init=("torch", "kaiming_uniform"),
            ),
        ),
        *variants(
            hidden=((256,), (384,), (512,)),
            batch_size=(64, 128, 256),
            epochs=(2, 3),
            lr=(0.1, 0.2, 0.3),
            loss=smoothed(0.0, 0.05, 0.1),
        ),
    ],
    "fast99": [
        *[
            {**LIGHTLY, "hidden": hidden, "epochs": epochs, "batch_size": size, "lr": lr}
            for hidden, epochs, size, lr in (
                ((256, 128), 6, 128, 0.2),
                ((256, 128), 6, 128, 0.25),
                ((256, 128), 7, 128, 0.2),
                ((256, 128), 8, 128, 0.2),
                ((256, 128), 5, 96, 0.2),
                ((320, 128), 6, 128, 0.2),
                ((256, 128), 7, 64, 0.15),
                ((256, 128), 6, 64, 0.12),
                ((256, 128), 6, 64, 0.18),
                ((256,), 6, 64, 0.2),
                ((256,), 8, 64, 0.15),
                ((256,), 8, 64, 0.2),
                ((256,), 9, 64, 0.2),
                ((256,), 9, 96, 0.25),
                ((256,), 9, 128, 0.25),
                ((256,), 9, 128, 0.35),
                ((192,), 10, 128, 0.35),
                ((320,), 8, 128, 0.35),
                ((384,), 6, 96, 0.25),
                ((384,), 6, 128, 0.35),
            )
        ],
        *[
            {
                **LIGHTLY,
                "init": "kaiming_uniform",
                "hidden": hidden,
                "epochs": epochs,
                "batch_size": size,
                "lr": lr,
            }
            for hidden, epochs, size, lr in (
                ((256,), 6, 64, 0.2),
                ((256,), 7, 64, 0.15),
                ((256,), 7, 64, 0.2),
                ((256,), 7, 64, 0.25),
                ((256,), 7, 96, 0.3),
                ((320,), 7, 64, 0.2),
                ((384,), 5, 64, 0.15),
                ((384,), 5, 64, 0.2),
                ((384,), 5, 64, 0.35),
                ((384,), 5, 96, 0.25),
                ((384,), 6, 64, 0.2),
                ((512,), 5, 64, 0.2),
                ((512,), 5, 64, 0.35),
                ((768,), 5, 64, 0.2),
                ((768,), 5, 64, 0.35),
                ((256, 128), 6, 64, 0.2),
                ((384, 128), 5, 64, 0.12),
                ((384, 256), 5, 64, 0.15),
                ((512, 128), 5, 64, 0.15),
            )
        ],
        *variants(
            {**LIGHTLY, "init": "kaiming_uniform", "epochs": 5, "lr": 0.2},
            augment=(*LIGHT.split("+"), STRONGER, WEAKER),
        ),
        *variants({**LIGHTLY, "hidden": (256,), "epochs": 6, "lr": 0.2}, loss=smoothed(0.05, 0.15)),
        {**LIGHTLY, "hidden": (256,), "epochs": 8, "lr": 0.2, "augment": SMOOTH},
        {**LIGHTLY, "hidden": (384,), "epochs": 9, "batch_size": 128, "lr": 0.35},
        {**LIGHTLY, "hidden": (384,), "epochs": 8, "batch_size": 128, "lr": 0.35},
        {**LIGHTLY, "hidden": (384,), "epochs": 10, "batch_size": 128, "lr": 0.35},
        {**LIGHTLY, "hidden": (320,), "epochs": 10, "batch_size": 128, "lr": 0.35},
        {**LIGHTLY, "hidden": (512,), "epochs": 10},
        *variants(
            **{name: (value,) for name, value in LIGHTLY.items()} | {"lr": (0.35, 0.5)},
            hidden=((512,),),
            epochs=(8,),
            batch_size=(128,),
        ),
        {**LIGHTLY, "hidden": (384,), "epochs": 8},
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
        {**DISTORTED, "hidden": (1024, 768), "lr": 0.08, "epochs": 60},
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


if __name__ == "__main__":
    cli.run(lambda: tune(__doc__, GOALS))
