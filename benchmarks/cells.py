"""Cells of the tables of training steps: problems and their settings."""

from dataclasses import dataclass

import np_nn as nn
from np_nn import models
from np_nn.recipes import Recipe

# Settings of the optimizers; the learning rates are small, so that long timings stay finite.
OPTIMIZERS = {
    "SGD": {"optimizer": "sgd", "lr": 0.01},
    "momentum": {"optimizer": "sgd:momentum=0.9", "lr": 0.01},
    "Adam": {"optimizer": "adam", "lr": 0.001},
    "RMSprop": {"optimizer": "rmsprop", "lr": 0.001},
}
# Layers of the network besides Linear and ReLU.
EXTRAS = {"": {}, "dropout": {"dropout": 0.5}, "BatchNorm1d": {"norm": "batch"}}
TITLES = {"mnist": "MNIST", "fashion": "Fashion"}


@dataclass(frozen=True)
class Cell:
    """Training problem of an mlp. threads: None means all the machine's cores."""

    hidden: tuple[int, ...] = (512,)
    batch: int = 256
    optimizer: str = "SGD"
    dataset: str = "mnist"
    threads: int | None = None
    extra: str = ""

    def __post_init__(self):
        object.__setattr__(self, "hidden", tuple(self.hidden))  # JSON makes it a list

    def __str__(self):
        net = "-".join(map(str, (784, *self.hidden, 10)))
        more = f" with {self.extra}" if self.extra else ""
        threads = f", {self.threads} thread" if self.threads else ""
        rest = f"{self.optimizer}, {TITLES[self.dataset]}{threads}"
        return f"{net}{more}, batch {self.batch}, {rest}"

    @property
    def settings(self):
        """The cell as a Recipe: with biases, PyTorch's initialization, pixels scaled to 0..1."""
        return Recipe(
            hidden=self.hidden,
            batch_size=self.batch,
            bias=True,
            init="torch",
            scale=1 / 255,
            **OPTIMIZERS[self.optimizer],
            **EXTRAS[self.extra],
        )


CENTRE = Cell()
ADAM = Cell(optimizer="Adam")
ONE_THREAD = Cell(threads=1)
SMALL = Cell((100, 100), 1)
MOMENTUM = Cell(optimizer="momentum")
TOOLKIT = (
    MOMENTUM,
    ADAM,
    Cell(optimizer="RMSprop"),
    Cell(extra="dropout"),
    Cell(extra="BatchNorm1d"),
)

DEEP = (*(Cell((512,) * depth) for depth in (2, 3)), Cell((1024,) * 3, extra="dropout"))
FASHION = Cell(dataset="fashion")

ONE_FACTOR = (
    CENTRE,
    *(Cell(batch=batch) for batch in (1, 32, 128, 1024)),
    *(Cell((width,)) for width in (128, 2048)),
    *DEEP,
    *TOOLKIT,
    FASHION,
    ONE_THREAD,
)

CORNERS = (
    SMALL,
    Cell((128,), 1),
    Cell((2048,), 1),
    Cell((128,), 1024),
    Cell((2048,), 1024),
    Cell((128,), 32, "Adam"),
    Cell((512,) * 3, 32, "Adam"),
    Cell((512,) * 2, 1024, "momentum"),
    Cell((512,), 128, "Adam", "fashion"),
    Cell((2048,), 32, "SGD", "fashion"),
    Cell((512,), 256, "Adam", threads=1),
    Cell((128,), 32, threads=1),
    Cell((512,) * 2, 1024, "momentum", "fashion", threads=1),
)

GRID = ONE_FACTOR + CORNERS
QUICK = (CENTRE, *TOOLKIT, ONE_THREAD, SMALL)

# torch.compile takes 15 seconds for each of these.
COMPILED = (CENTRE, ADAM, ONE_THREAD, SMALL, Cell(batch=1), Cell(batch=1024))


def lenet_style():
    """Return a network of two 5 x 5 convolutions with ReLU and pooling, and 10 classes.

    28 x 28 pixels become 512 features. Source: a network of many PyTorch tutorials; after LeNet-5,
    with more channels.
    """
    return nn.Sequential(
        nn.Conv2d(1, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(512, 10),
    )  # fmt: skip


# Networks that a Cell cannot describe.
NETWORKS = {
    "LeNet-style": lenet_style,
    "lenet5": models.lenet5,
    "convnet": models.convnet,
    "resnet": models.resnet,
    "residual_mlp": models.residual_mlp,
}
MOMENTUM_SGD = {"lr": 0.01, "momentum": 0.9}


@dataclass(frozen=True)
class NetworkCell:
    """Training of one of the NETWORKS with MOMENTUM_SGD. threads: None means all cores."""

    network: str
    batch: int = 64
    threads: int | None = None

    def __str__(self):
        threads = f", {self.threads} thread" if self.threads else ""
        return f"{self.network}, batch {self.batch}{threads}"


NETWORK_GRID = tuple(
    NetworkCell(network, batch, threads)
    for threads in (None, 1)
    for network, batches in {
        "LeNet-style": (64, 256),
        "lenet5": (64, 256),
        "convnet": (64,),
        "resnet": (64,),
        "residual_mlp": (64, 256),
    }.items()
    for batch in batches
)
NETWORK_QUICK = tuple(map(NetworkCell, ("LeNet-style", "convnet", "residual_mlp")))
