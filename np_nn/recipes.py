"""Published results as data: how to run each one, and what was reported.

Two recipes are equal when they train alike, whatever they are called. So the
figure that a run is compared with is that of the recipe equal to its settings,
however the command line put them together.
"""

from dataclasses import dataclass, field


def _about(default):
    """A field that says where a recipe comes from, and is no part of how it trains."""
    return field(default=default, compare=False)


@dataclass(frozen=True)
class Recipe:
    """Hyper-parameters of a run. Either steps or epochs is given.

    hidden: widths of the hidden layers. scale: what pixels of 0..255 are
    multiplied by. replacement: draw every batch anew from the whole set (else
    shuffle once an epoch). published: the reported test accuracy, 0..1.
    """

    name: str = _about("")
    title: str = _about("")
    source: str = _about("")
    published: float | None = _about(None)

    hidden: tuple[int, ...] = (512,)
    activation: str = "relu"
    bias: bool = False
    init: str = "original"
    optimizer: str = "sgd"
    lr: float = 0.001
    momentum: float = 0.0
    nesterov: bool = False
    schedule: str = "constant"
    label_smoothing: float = 0.0
    batch_size: int = 256
    steps: int | None = 4000
    epochs: int | None = None
    replacement: bool = True
    scale: float = 1.0

    @property
    def plan(self):
        """The arguments of ``Batches``: which batches are trained on."""
        return {
            "steps": self.steps,
            "epochs": self.epochs,
            "batch_size": self.batch_size,
            "replacement": self.replacement,
        }

    def sizes(self, inputs=784, classes=10):
        """The width of every layer, inputs first."""
        return (inputs, *self.hidden, classes)

    def network(self, inputs=784, classes=10):
        """The widths in one word, such as "784-512-10"."""
        return "-".join(map(str, self.sizes(inputs, classes)))

    def describe(self):
        """The settings in a few words."""
        length = f"{self.steps:,} batches" if self.steps else f"{self.epochs:,} epochs in batches"
        kind = "Nesterov " if self.nesterov else ""
        momentum = f" {kind}momentum {self.momentum:g}" if self.momentum else ""
        return (
            f"{length} of {self.batch_size}, {self.optimizer.upper()} {self.lr:g}{momentum}, "
            f"{self.init} init"
        )


_NP_NN = "README of willxxy/np_nn"
_GEOHOT = "geohot/ai-notebooks, mnist_from_scratch.ipynb"
_OURS = "np_nn's own, found on the last 10,000 training images: benchmarks/tune_fast98.py"
_SMALL = {"hidden": (128,), "batch_size": 128, "steps": 1000}

RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe("np_nn", "np_nn, NumPy", _NP_NN, 0.9805),
        Recipe("geohot", "geohot, NumPy", _GEOHOT, 0.9635, **_SMALL),
        Recipe("np_nn_torch", "np_nn, PyTorch", _NP_NN, 0.9633, init="torch"),
        Recipe("geohot_torch", "geohot, PyTorch", _GEOHOT, 0.9288, init="torch", **_SMALL),
        Recipe(
            "fast98",
            "the fastest to 98 %",
            _OURS,
            bias=True,
            init="torch",
            scale=1 / 255,
            hidden=(384,),
            lr=0.3,
            momentum=0.9,
            nesterov=True,
            schedule="warmup_linear",
            label_smoothing=0.1,
            batch_size=64,
            steps=None,
            epochs=2,
            replacement=False,
        ),
    )
}


def matching(settings):
    """The published recipe that trains as these settings do, or None."""
    return next((recipe for recipe in RECIPES.values() if recipe == settings), None)
