"""The training loop, and the evaluation of what it reached."""

from dataclasses import dataclass

import numpy as np

from np_nn import ops
from np_nn.batches import Batches
from np_nn.errors import NpNNError
from np_nn.history import History
from np_nn.losses import CrossEntropyLoss
from np_nn.progress import progress

EVALUATION_BLOCK = 1000  # images at a time: bounds the memory, and fits the cache


def fit(
    model,
    data,
    loss,
    optimizer,
    *,
    steps=None,
    epochs=None,
    batch_size=128,
    replacement=False,
    seed=0,
    quiet=False,
):
    """Train a model in place and return its History.

    data: a Split (images (n, ...) uint8, labels (n,) int). For the other
    arguments see ``Batches``; quiet hides the progress. Ctrl-C returns what was
    reached, with ``history.interrupted`` set.

    Raises DivergedError when the loss is no longer finite, and NpNNError for
    sizes, shapes and labels that do not fit.
    """
    images, labels = _flat(data)
    schedule = Batches(
        len(images), batch_size, steps=steps, epochs=epochs, replacement=replacement, seed=seed
    )
    history = History(len(schedule))
    batch = np.empty((batch_size, images.shape[1]), np.float32)

    model.train()
    with history, np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for indices in progress(schedule, history, quiet):
            x = ops.gather(images, indices, data.scale, batch[: len(indices)])
            y = labels[indices]

            logits = model.forward(x)
            batch_loss = loss.forward(logits, y)
            model.backward(loss.backward(), input_grad=False)
            optimizer.step()

            history.record(batch_loss, count_correct(logits, y) / len(y))
    return history


@dataclass(frozen=True)
class Evaluation:
    """accuracy: share of images classified rightly, 0..1. loss: mean over the images."""

    accuracy: float
    loss: float


def evaluate(model, data, loss=None):
    """Accuracy and mean loss (cross-entropy unless another is given) over a Split."""
    loss = loss or CrossEntropyLoss()
    images, labels = _flat(data)
    correct, total = 0, 0.0
    model.eval()
    for start in range(0, len(images), EVALUATION_BLOCK):
        y = labels[start : start + EVALUATION_BLOCK]
        indices = np.arange(start, start + len(y))
        x = ops.gather(images, indices, data.scale, np.empty((len(y), images.shape[1]), np.float32))
        logits = model.forward(x)
        total += loss.forward(logits, y) * len(y)
        correct += count_correct(logits, y)
    return Evaluation(correct / len(images), total / len(images))


def count_correct(logits, labels):
    """How many rows of logits (N, C) are largest at their label (N,)."""
    return int((logits.argmax(axis=1) == labels).sum())


def _flat(data):
    """Images as rows of pixels, and their labels."""
    if len(data.images) != len(data.labels) or not len(data.images):
        raise NpNNError(f"{len(data.images)} images and {len(data.labels)} labels: cannot train")
    return data.images.reshape(len(data.images), -1), data.labels
