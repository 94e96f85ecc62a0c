"""A Recipe: the hyper-parameters of a run, and what was published for them."""

from dataclasses import dataclass, field

from np_nn.recipes import build


def _about(default):
    """A field that says where a recipe comes from, and is no part of how it trains."""
    return field(default=default, compare=False)


@dataclass(frozen=True)
class Recipe:
    """Hyper-parameters of a run. Either steps or epochs is given.

    Two recipes are equal when they train alike, whatever they are called.

    Network: model: one of models.MODELS; it has those of the next fields that its function takes.
    hidden: widths of the hidden layers; channels: of the convolutions, () for the model's own.
    activation, output, norm, noise, dropout, input_dropout, residual: see ``models.mlp``;
    input_noise: standard deviation of noise on the inputs. init: one of
    layers.initializers.INITIALISERS.
    Loss: see losses.LOSSES. targets: what a loss of values wants for a wrong and for the right
    class. class_weights: a number for each class, or "balanced".
    Training: optimizer, schedule: names with options, as in "sgd:momentum=0.9". replacement:
    draw every batch anew from the whole set (else shuffle once an epoch). clip_norm,
    clip_value, max_norm: see ``optim.limits``. validation: how many of the last training images
    are held out; patience: epochs without an improvement there before training stops.
    Images: dataset: one of data.DATASETS. scale, shift: a pixel p of 0..255 becomes
    scale * p + shift; standardize: they are chosen for mean 0 and variance 1. deskew, augment:
    see ``data.preprocess`` and ``data.augmentation``; several distortions are joined by "+".

    published: the reported test accuracy, 0..1; published_seconds: the reported time.
    table: the table of published results that it belongs to. note: what to know about it.
    long: takes more than a quarter of an hour on two cores. best_on_test: the published figure
    is that of the epoch that was best on the test set.
    """

    name: str = _about("")
    title: str = _about("")
    source: str = _about("")
    published: float | None = _about(None)
    published_seconds: float | None = _about(None)
    table: str = _about("")
    note: str = _about("")
    long: bool = _about(False)
    best_on_test: bool = _about(False)

    model: str = "mlp"
    hidden: tuple[int, ...] = (512,)
    channels: tuple[int, ...] = ()
    activation: str = "relu"
    output: str = "none"
    bias: bool = False
    init: str = "original"
    norm: str = "none"
    noise: float = 0.0
    input_noise: float = 0.0
    dropout: float = 0.0
    input_dropout: float = 0.0
    residual: bool = False
    loss: str = "cross_entropy"
    targets: tuple[float, float] = (0.0, 1.0)
    class_weights: tuple[float, ...] | str = ()
    optimizer: str = "sgd"
    lr: float = 0.001
    schedule: str = "constant"
    batch_size: int = 256
    steps: int | None = 4000
    epochs: int | None = None
    replacement: bool = True
    clip_norm: float | None = None
    clip_value: float | None = None
    max_norm: float | None = None
    validation: int = 0
    patience: int | None = None
    dataset: str = "mnist"
    scale: float = 1.0
    shift: float = 0.0
    standardize: bool = False
    deskew: bool = False
    augment: str = ""

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
        """The width of every layer of an mlp, inputs first."""
        return (inputs, *self.hidden, classes)

    def network(self, inputs=784, classes=10):
        """The network in a word: "784-512-10", or "lenet5", with the sizes that are not its own."""
        if self.model == "mlp":
            return _dashed(self.sizes(inputs, classes))
        changed = [
            f"{field} {_dashed(getattr(self, field))}"
            for field, own in build.fields(self.model).items()
            if field in ("channels", "hidden") and getattr(self, field) not in (own, ())
        ]
        return f"{self.model} ({', '.join(changed)})" if changed else self.model

    def describe(self):
        """The settings in a few words."""
        epochs = f"{self.epochs:,} epoch{'s' * (self.epochs != 1)}" if self.epochs else ""
        length = f"{epochs} in batches" if epochs else f"{self.steps:,} batches"
        name, _, options = self.optimizer.partition(":")
        parts = [
            f"{length} of {self.batch_size}",
            f"{name.upper()} {self.lr:g}{f' ({options})' if options else ''}",
            f"{self.init} init",
        ]
        more = {
            "deskewed": self.deskew,
            f"distorted ({self.augment})": self.augment,
            f"dropout {self.dropout:g}": self.dropout,
            f"{self.norm} norm": self.norm != "none",
            f"noise {self.noise:g}": self.noise,
            f"max-norm {self.max_norm}": self.max_norm,
        }
        return ", ".join(parts + [text for text, said in more.items() if said])


def _dashed(numbers):
    return "-".join(map(str, numbers))
