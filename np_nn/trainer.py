"""The training loop, and the evaluation and use of what it reached."""

from dataclasses import dataclass

import numpy as np

from np_nn import feed
from np_nn.batches import Batches
from np_nn.errors import NpNNError
from np_nn.history import History
from np_nn.losses import CrossEntropyLoss
from np_nn.progress import progress
from np_nn.steps import build as build_steps
from np_nn.steps import count_correct

BLOCK = 1000  # images at a time when nothing is learnt: bounds the memory, and fits the cache


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
    schedule=None,
    seed=0,
    input="auto",
    quiet=False,
):
    """Train a model in place and return its History.

    data: a Split (images (n, ...) uint8, labels (n,) int). steps, epochs,
    batch_size, replacement and seed: see ``Batches``. schedule: a function (step,
    steps) -> share of the optimizer's lr, such as ``optim.warmup_linear``. input:
    how images reach the first layer, see ``feed.choose``. quiet hides the
    progress. Ctrl-C returns what was reached, with ``history.interrupted`` set.

    Raises DivergedError when the loss is no longer finite, and NpNNError for
    sizes, shapes and labels that do not fit.
    """
    _check(data)
    batches = Batches(
        len(data), batch_size, steps=steps, epochs=epochs, replacement=replacement, seed=seed
    )
    train = build_steps(model, feed.choose(data, model, input), data.labels, loss, optimizer)
    base, history = optimizer.config["lr"], History(len(batches))

    model.train()
    with history, np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for block in progress(batches.blocks(train.most), history, quiet):
            at = range(history.done, history.done + len(block))
            rates = [base * schedule(step, len(batches)) if schedule else base for step in at]
            losses, correct = train(block, np.array(rates))
            history.record(losses, correct / block.shape[1])
    return history


@dataclass(frozen=True)
class Evaluation:
    """accuracy: share of images classified rightly, 0..1. loss: mean over the images."""

    accuracy: float
    loss: float


def evaluate(model, data, loss=None, *, input="auto"):
    """Accuracy and mean loss (cross-entropy unless another is given) over a Split."""
    loss, total, correct = loss or CrossEntropyLoss(), 0.0, 0
    for indices, logits in _forward(model, data, input):
        y = data.labels[indices]
        total += loss.forward(logits, y) * len(y)
        correct += count_correct(logits, y)
    return Evaluation(correct / len(data), total / len(data))


def predict(model, data, *, input="auto"):
    """The model's outputs for all images of a Split, (n, C), made in blocks of bounded size."""
    return np.concatenate([logits.copy() for _, logits in _forward(model, data, input)])


def _forward(model, data, input):
    """Yield the indices of each block and the model's outputs for it, valid until the next."""
    _check(data)
    batch = feed.choose(data, model, input)
    model.eval()
    for start in range(0, len(data), BLOCK):
        indices = np.arange(start, min(start + BLOCK, len(data)))
        yield indices, model.forward(batch(indices))


def _check(data):
    if len(data.images) != len(data.labels) or not len(data.images):
        raise NpNNError(f"{len(data.images)} images and {len(data.labels)} labels do not fit")
