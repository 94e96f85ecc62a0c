"""A program as users write it, for `mypy --strict`; the lines that it must refuse say why.

A hint that no longer refuses such a line is an error, too: the comment is then unused.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import np_nn as nn
from np_nn.training import Training


class Twice(nn.Module):
    """A layer of the user's own."""

    def forward(self, x: np.ndarray) -> np.ndarray:
        return 2 * x

    def backward(self, grad: np.ndarray, input_grad: bool = True) -> np.ndarray | None:
        return 2 * grad if input_grad else None


class Losses(nn.Callback):
    """A callback of the user's own."""

    def __init__(self) -> None:
        self.seen: list[float] = []

    def on_epoch_end(self, training: Training) -> None:
        self.seen.append(float(training.history.loss[-1]))
        training.stop = len(self.seen) == 2


def optimizers(model: nn.Module) -> Iterator[nn.Optimizer]:
    yield nn.SGD(model.parameters(), lr=0.1, momentum=0.9, nesterov=True)
    yield nn.Adam(model.parameters(), betas=(0.9, 0.99))


def halved(step: int, steps: int) -> float:
    return 0.5 if 2 * step > steps else 1.0


def own_relu(x: np.ndarray, out: np.ndarray) -> np.ndarray:
    return np.maximum(x, 0, out=out)


def train(folder: Path) -> float:
    """Train, evaluate, save and load; return the accuracy of the digits."""
    nn.manual_seed(1)
    nn.use("auto")
    with nn.use({"relu_forward": own_relu, "relu_backward": None}), nn.use("numpy"):
        assert nn.ReLU()(np.full(1, -1.0))[0] == 0
    data = nn.load("digits", quiet=True)
    assert nn.Split([[0.5, 1.0]], [1]).images.dtype == np.float32
    blocks = ((data.train.images, data.train.labels) for _ in range(2))
    data = nn.store(blocks, folder / "stored", test=data.test, quiet=True)
    model = nn.Sequential(nn.Linear(784, 32), nn.ReLU(), Twice(), nn.Linear(32, 10))
    loss = nn.CrossEntropyLoss(label_smoothing=0.1)
    for optimizer in optimizers(model):
        losses = Losses()
        history = nn.fit(
            model, data.train, loss, optimizer, epochs=3, schedule=halved, limits=nn.Limits(1.0),
            validation=data.test, early_stopping=nn.EarlyStopping(2, monitor="loss"),
            callbacks=[losses, nn.JSONLogger(folder / "log.jsonl")], quiet=True,
        )  # fmt: skip
        assert history.history["val_loss"][-1] > 0
        assert len(losses.seen) == 2
    nn.save_weights(model, folder / "weights.safetensors")
    model = nn.load_weights(model, str(folder / "weights.safetensors")).eval()
    outputs: np.ndarray = model(data.test.images[:2].reshape(2, -1))
    assert outputs.shape == nn.predict(model, data.test)[:2].shape
    accuracy: float | None = nn.evaluate(model, data.test, loss).accuracy
    return accuracy or 0.0


def ready_made(folder: Path) -> str:
    """Train a network by name; return its summary once saved and loaded."""
    data = nn.load("digits", quiet=True)
    model = nn.initialize(nn.mlp((784, 16, 10), "tanh"), "kaiming_normal", seed=0)
    optimizer = nn.AdamW(model.parameters(), lr=np.float64(0.001))
    augment = nn.Compose((nn.Affine(rotate=5), nn.Shift(1)))
    save = nn.Checkpoint(folder / "run", every=5)
    nn.fit(
        model, data.train, nn.CrossEntropyLoss(), optimizer, steps=10, schedule=nn.StepLR(0.5),
        augment=augment, callbacks=[save], quiet=True,
    )  # fmt: skip
    nn.save_model(model, folder / "model.safetensors", nn.ModelInfo.of(data))
    loaded = nn.load_model(folder / "model.safetensors")
    assert loaded.info.classes == data.classes
    sample = data.test.images[0].reshape(-1)
    assert nn.trace(loaded, sample, data.test.labels[0], nn.CrossEntropyLoss()).loss > 0
    assert nn.gradcheck(nn.GELU(), np.ones((2, 3)))
    return nn.summary(loaded)


def estimator() -> np.ndarray:
    """Train scikit-learn's estimator; return its predictions of 4 points."""
    x, y = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
    model = nn.MLPClassifier((8,), solver="lbfgs", random_state=1, class_weight="balanced")
    return model.fit(x, y).predict(x)


if TYPE_CHECKING:

    def mistakes(model: nn.Sequential, data: nn.Split, loss: nn.MSELoss, sgd: nn.SGD) -> None:
        nn.Linear("784", 10)  # type: ignore[arg-type]
        nn.Linear(784, 10, biass=False)  # type: ignore[call-arg]
        nn.Sequential([nn.ReLU()])  # type: ignore[arg-type]
        nn.Sequential(nn.ReLU)  # type: ignore[arg-type]
        nn.SGD(model)  # type: ignore[arg-type]
        nn.SGD(model.parameters(), lr="x")  # type: ignore[arg-type]
        nn.Adam(model.parameters(), lr=[0.1])  # type: ignore[arg-type]
        nn.MSELoss("average")  # type: ignore[arg-type]
        nn.use("fast")  # type: ignore[arg-type]
        nn.Relu()  # type: ignore[attr-defined]
        nn.MLPClassifier(solver="adams")  # type: ignore[arg-type]
        nn.fit(model, data, loss, sgd, epochs=16.0)  # type: ignore[arg-type]
        nn.fit(model, data, loss, sgd, epoch=16)  # type: ignore[call-arg]
        nn.fit(model, data, loss, sgd, epochs=1, validation=0.1)  # type: ignore[arg-type]
        nn.fit(model, data, loss, sgd, epochs=1, callbacks=Losses())  # type: ignore[arg-type]
        nn.fit(model, data, loss, sgd, epochs=1, input="sprase")  # type: ignore[arg-type]
        assert nn.fit(model, data, loss, sgd).accurcy  # type: ignore[attr-defined]
        assert nn.evaluate(model, data).accuracy > 0  # type: ignore[operator]
