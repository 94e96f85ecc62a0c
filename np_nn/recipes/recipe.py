"""Recipe: the hyper-parameters of a run, and the results published for them."""

import dataclasses
import inspect
from dataclasses import dataclass
from types import MappingProxyType, NoneType
from typing import get_args

import numpy as np

from np_nn import data
from np_nn.data.augmentation import AUGMENTATIONS
from np_nn.layers.initializers import INITIALISERS
from np_nn.losses import LOSSES
from np_nn.models import ACTIVATIONS, MODELS, NORMS, OUTPUTS
from np_nn.optim import OPTIMIZERS
from np_nn.optim.schedules import SCHEDULES
from np_nn.utils.converters import (
    joined,
    name_or_path,
    named,
    number,
    number_or,
    one_of,
    positive,
    real,
    share,
    switch,
    whole_number,
)
from np_nn.utils.errors import NpNNError

# The groups of hyper-parameters, also the groups of --help.
WHAT = "what to train"
IMAGES = "images"
NETWORK = "network"  # each of its fields is an argument of some of the MODELS
TRAINING = "training"
LENGTH = "length of the training"  # one of its fields is given, the other is None


def _about(default):
    """Return a field of a recipe's origin, which is ignored when recipes are compared."""
    return dataclasses.field(default=default, compare=False)


def setting(default, group, help, type, *, several=False, said="", options=MappingProxyType({})):
    """Return a field of a hyper-parameter; its option, checks and reports follow from it.

    Args:
        default: default value.
        group: one of the groups above.
        help: description for --help.
        type: converter of a value, see ``utils.converters``.
        several: True if the value is a tuple, each of whose items is converted; a number: the
            length of the tuple.
        said: format in which ``describe`` mentions a value other than the default; "": not at all.
        options: {name: converter} of the options within the field's text that also have a
            command-line option of their own, such as the optimizer's momentum.
    """
    about = {
        "group": group, "help": help, "type": type, "several": several, "said": said,
        "options": options,
    }  # fmt: skip
    return dataclasses.field(default=default, metadata=about)


@dataclass(frozen=True)
class Recipe:
    """Hyper-parameters of a run. Either steps or epochs is given.

    Two recipes are equal if their hyper-parameters are, whatever their names. Raises NpNNError,
    naming the field, for a value that its converter refuses.

    published: reported test accuracy, 0..1; published_seconds: reported time. table: the table of
    published results that it belongs to. note: a remark for readers. experiment: a command and its
    outcome, which explain a difference of more than 0.01 from the published accuracy. best_on_test:
    whether the published figure is that of the best epoch on the test set. loaded: name of a model
    file whose network is trained instead of the recipe's own.

    The ``setting`` of each other field describes it.
    """

    name: str = _about("")
    title: str = _about("")
    source: str = _about("")
    published: float | None = _about(None)
    published_seconds: float | None = _about(None)
    table: str = _about("")
    note: str = _about("")
    experiment: str = _about("")
    best_on_test: bool = _about(False)
    loaded: str = _about("")

    dataset: str = setting(
        "mnist", IMAGES, "the data set, or a file or folder of your own; auto: MNIST, or "
        "scikit-learn's digits if MNIST is missing", name_or_path("data set", data.names),
    )  # fmt: skip
    scale: float = setting(1.0, IMAGES, "multiply pixels (0..255) by X", positive)
    shift: float = setting(0.0, IMAGES, "add X to the scaled pixels", real)
    standardize: bool = setting(
        False, IMAGES, "scale and shift pixels to mean 0 and variance 1", switch
    )
    deskew: bool = setting(
        False, IMAGES, "deskew the images: shear writing upright", switch, said="deskewed"
    )
    augment: str = setting(
        "", IMAGES, "distort the training images, with new distortions each epoch",
        joined("augmentation", AUGMENTATIONS), said="distorted ({})",
    )  # fmt: skip

    model: str = setting(
        "mlp", WHAT, "the network; sizes and dropout that are not given are the model's defaults",
        one_of("model", MODELS),
    )  # fmt: skip
    hidden: tuple[int, ...] = setting(
        (512,), NETWORK, "widths of the hidden layers", whole_number(1), several=True
    )
    channels: tuple[int, ...] = setting(
        (), NETWORK, "channels of the convolutions", whole_number(1), several=True
    )
    activation: str = setting(
        "relu", NETWORK, "activation after each hidden layer", named("activation", ACTIVATIONS)
    )
    output: str = setting(
        "none", NETWORK, "activation after the last layer", named("output", OUTPUTS)
    )
    bias: bool = setting(False, NETWORK, "give the layers biases", switch)
    dropout: float = setting(
        0.0, NETWORK, "fraction of hidden units to drop, 0 to 1", share, said="dropout {:g}"
    )
    input_dropout: float = setting(0.0, NETWORK, "fraction of inputs to drop, 0 to 1", share)
    norm: str = setting(
        "none", NETWORK, "normalization before each activation", named("normalisation", NORMS),
        said="{} norm",
    )  # fmt: skip
    noise: float = setting(
        0.0, NETWORK, "standard deviation of noise before each activation", number,
        said="noise {:g}",
    )  # fmt: skip
    input_noise: float = setting(0.0, NETWORK, "standard deviation of noise on the inputs", number)
    residual: bool = setting(False, NETWORK, "compute x + layer(x) where sizes allow", switch)

    init: str = setting(
        "original", TRAINING, "initialization of the weights", one_of("initialiser", INITIALISERS)
    )
    loss: str = setting(
        "cross_entropy", TRAINING, "the loss", named("loss", LOSSES),
        options={"label_smoothing": share},
    )  # fmt: skip
    targets: tuple[float, float] = setting(
        (0.0, 1.0), TRAINING, "targets of a loss of values: of a wrong and of the right class",
        real, several=2,
    )  # fmt: skip
    class_weights: tuple[float | str, ...] = setting(
        (), TRAINING, "weight of each class in the loss: a number for each, or balanced",
        number_or("balanced"), several=True,
    )  # fmt: skip
    optimizer: str = setting(
        "sgd", TRAINING, "the optimizer", named("optimizer", OPTIMIZERS),
        options={"momentum": number, "weight_decay": number},
    )  # fmt: skip
    lr: float = setting(0.001, TRAINING, "learning rate", positive)
    schedule: str = setting(
        "constant", TRAINING, "schedule of the learning rate", named("schedule", SCHEDULES)
    )
    batch_size: int = setting(256, TRAINING, "images per step", whole_number(1))
    replacement: bool = setting(
        True, TRAINING, "draw each batch from the whole set (else shuffle it once an epoch)", switch
    )
    clip_norm: float | None = setting(
        None, TRAINING, "maximum norm of all gradients together", positive
    )
    clip_value: float | None = setting(
        None, TRAINING, "maximum absolute value of each gradient", positive
    )
    max_norm: float | None = setting(
        None, TRAINING, "maximum norm of each unit's incoming weights", positive,
        said="max-norm {}",
    )  # fmt: skip
    shards: int | None = setting(
        None, TRAINING, "compute each batch in N parts, by at most N ranks of MPI: the same bits "
        "for any number of ranks", whole_number(1), said="in {} shards",
    )  # fmt: skip
    validation: int = setting(
        0, TRAINING, "number of training images to hold out, from the end of the set",
        whole_number(0),
    )  # fmt: skip
    patience: int | None = setting(
        None, TRAINING, "stop after N epochs without a better accuracy on the held-out images",
        whole_number(1),
    )  # fmt: skip
    steps: int | None = setting(4000, LENGTH, "training iterations", whole_number(1))
    epochs: int | None = setting(None, LENGTH, "passes over the training set", whole_number(1))

    def __post_init__(self):
        for field in hyperparameters(self):
            try:
                value = _converted(field, getattr(self, field.name))
            except NpNNError as error:
                raise NpNNError(f"{field.name}: {error}") from None
            object.__setattr__(self, field.name, value)

    @property
    def plan(self):
        """The arguments of ``Batches``, which choose the batches to train on."""
        return {
            "steps": self.steps,
            "epochs": self.epochs,
            "batch_size": self.batch_size,
            "replacement": self.replacement,
        }

    @property
    def network_defaults(self):
        """The model's default values, by name, of the network fields that it has."""
        arguments = inspect.signature(MODELS[self.model]).parameters
        names = [field.name for field in hyperparameters(self, NETWORK) if field.name in arguments]
        own = {name: arguments[name].default for name in names}
        return {"hidden": (512,), **own} if self.model == "mlp" else own

    def sizes(self, inputs=784, classes=10):
        """Return the width of every layer of an mlp, inputs first."""
        return (inputs, *self.hidden, classes)

    def network(self, inputs=784, classes=10):
        """Return the network's short name: "784-512-10", or "lenet5" with sizes if not default."""
        if self.loaded:
            return f"the network of {self.loaded}"
        if self.model == "mlp":
            return _dashed(self.sizes(inputs, classes))
        changed = [
            f"{field} {_dashed(getattr(self, field))}"
            for field, own in self.network_defaults.items()
            if field in ("channels", "hidden") and getattr(self, field) not in (own, ())
        ]
        return f"{self.model} ({', '.join(changed)})" if changed else self.model

    def describe(self):
        """Describe the settings: length, optimizer, initialization, and some non-default values."""
        epochs = f"{self.epochs:,} epoch{'s' * (self.epochs != 1)}" if self.epochs else ""
        length = f"{epochs} in batches" if epochs else f"{self.steps:,} batches"
        name, _, options = self.optimizer.partition(":")
        parts = [
            f"{length} of {self.batch_size}",
            f"{name.upper()} {self.lr:g}{f' ({options})' if options else ''}",
            *([] if self.loaded else [f"{self.init} init"]),
        ]
        for field in hyperparameters(self):
            value, said = getattr(self, field.name), field.metadata["said"]
            if said and value != field.default:
                parts.append(said.format(value))
        return ", ".join(parts)


def hyperparameters(recipe, group=None):
    """Return the hyper-parameter fields of a Recipe, or of the class; group: only this group's.

    The network's fields are left out if the network is loaded from a file.
    """
    return [
        field
        for field in dataclasses.fields(recipe)
        if field.compare and group in (None, field.metadata["group"])
        if not (recipe.loaded and is_of_network(field.name))
    ]


def is_of_network(name):
    """Return whether a name is a hyper-parameter of the network: of its shape or initialization."""
    field = Recipe.__dataclass_fields__.get(name)
    of_group = field is not None and field.metadata.get("group") == NETWORK
    return of_group or name in ("model", "init")


def _converted(field, value):
    """Convert a value with the field's converter. Raises NpNNError for a value it refuses."""
    convert, several = field.metadata["type"], field.metadata["several"]
    if value is None and NoneType in get_args(field.type):
        return None
    if not several:
        return convert(value)
    values = [value] if isinstance(value, str) or not np.iterable(value) else list(value)
    if several is not True and len(values) != several:
        raise NpNNError(f"needs {several} values, got {len(values)}")
    return tuple(map(convert, values))


def _dashed(numbers):
    return "-".join(map(str, numbers))
