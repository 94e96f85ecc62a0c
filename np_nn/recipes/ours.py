"""np_nn's own recipes: settings chosen on held-out training images, never on the test set."""

from np_nn.recipes.recipe import Recipe

_TUNED = "np_nn's own, found on the last 10,000 training images: benchmarks/tune_mlp.py"
_TUNED_CONV = "np_nn's own, found on the last 10,000 training images: benchmarks/tune_conv.py"

# Settings that the recipes share.
_BASE = {
    "table": "ours",
    "bias": True,
    "init": "torch",
    "loss": "cross_entropy:label_smoothing=0.1",
    "optimizer": "sgd:momentum=0.9,nesterov=true",
    "schedule": "warmup_linear",
    "batch_size": 64,
    "steps": None,
    "replacement": False,
    "scale": 1 / 255,
}


def _recipe(name, title, source, **settings):
    return Recipe(name, title, source, **{**_BASE, **settings})


START = _recipe(
    "start", "starting point, also for your own data",
    "np_nn's own, found on held-out training images of three sets: benchmarks/tune_start.py",
    table="",  # not in the reproduction: users change it
    init="kaiming_uniform", hidden=(512, 512), input_dropout=0.1, lr=0.04, batch_size=16, epochs=20,
)  # fmt: skip

OURS = (
    START,
    _recipe(
        "fast98", "the fastest to 98 %", _TUNED,
        init="kaiming_uniform", hidden=(160,), lr=0.3, epochs=1, deskew=True,
    ),
    _recipe(
        "fast99", "the fastest to 99 %", _TUNED,
        hidden=(256, 128), lr=0.2, batch_size=128, epochs=6, deskew=True,
        augment="affine:rotate=5,scale=0.07,shear=3,shift=0.3+elastic:alpha=14,sigma=4",
    ),
    _recipe("plain", "a plain network", _TUNED, hidden=(1024,), lr=0.2, epochs=12),
    _recipe(
        "noisy", "BatchNorm and Gaussian noise", _TUNED,
        hidden=(512, 512), lr=0.15, batch_size=128, epochs=40,
        norm="batch", noise=0.3, input_noise=0.3,
    ),
    _recipe(
        "deskewed", "deskewed images", _TUNED, hidden=(1024,), lr=0.2, epochs=16, deskew=True
    ),
    _recipe(
        "distorted", "deskewed, then distorted in each epoch", _TUNED,
        hidden=(1024, 768), lr=0.08, batch_size=128, epochs=60, deskew=True,
        augment="affine:rotate=7,scale=0.1,shear=5,shift=0.5+elastic:alpha=20,sigma=4",
    ),
    _recipe(
        "fast99conv", "the fastest to 99 %, with convolutions", _TUNED_CONV,
        model="lenet", channels=(8, 16), hidden=(128,), deskew=True,
        lr=0.25, batch_size=80, schedule="warmup_linear:warmup=0.4", steps=600,
    ),
    _recipe(
        "fast994conv", "the fastest to 99.5 %, with convolutions", _TUNED_CONV,
        model="lenet", channels=(16, 48), hidden=(128,), lr=0.15, epochs=4, deskew=True,
        augment="affine:rotate=5,scale=0.07,shear=3,shift=1+elastic:alpha=10,sigma=4",
    ),
    _recipe(
        "best5min", "the best in five minutes", _TUNED_CONV,
        model="lenet", channels=(32, 96), hidden=(256,), dropout=0.3, lr=0.1, epochs=30,
        deskew=True,
        augment="affine:rotate=5,scale=0.07,shear=3,shift=0.3+elastic:alpha=14,sigma=4",
    ),
    _recipe(
        "lenet5_relu", "LeNet-5 with ReLU and max pooling", _TUNED_CONV,
        model="lenet5", hidden=(120, 84), lr=0.1, epochs=15,
    ),
    _recipe(
        "lenet_distorted", "a larger LeNet, images distorted each epoch", _TUNED_CONV,
        model="lenet", channels=(32, 64), hidden=(128,), dropout=0.3, lr=0.1, epochs=20,
        augment="affine:rotate=10,scale=0.1,shear=5,shift=1.5",
    ),
    _recipe(
        "fashion_moved", "Fashion-MNIST: a larger LeNet-5, images shifted", _TUNED_CONV,
        dataset="fashion", model="lenet5", channels=(32, 64), hidden=(256,),
        dropout=0.4, lr=0.04, epochs=25, augment="shift:pixels=1",
    ),
)  # fmt: skip
