"""The training loop, and the evaluation and use of what it reached."""

from dataclasses import replace

import numpy as np

from np_nn.data.batches import Batches
from np_nn.data.dataset import is_matrix
from np_nn.losses import CrossEntropyLoss
from np_nn.training import checkpoint, inputs
from np_nn.training.callbacks import Hooks
from np_nn.training.fusion import fold, fuse
from np_nn.training.history import Evaluation
from np_nn.training.state import Training
from np_nn.training.steps import build as build_steps
from np_nn.utils.errors import NpNNError
from np_nn.utils.progress import progress

BLOCK = 1000  # images at a time when nothing is learnt: bounds the memory, and fits the cache
FEW = 100  # the same for convolutions, whose arrays are some hundred times as large as an image


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
    order=None,
    schedule=None,
    augment=None,
    limits=None,
    l2=0.0,
    validation=None,
    early_stopping=None,
    callbacks=(),
    resume=None,
    seed=0,
    input="auto",
    quiet=False,
):
    """Train a model in place and return its History.

    data: a Split: images (n, ...) uint8 or float, labels (n,) int, or float targets (n, C) for
    a loss of values. steps, epochs, batch_size, replacement, order, seed: see ``Batches``.
    schedule: a function (step, steps) -> share of the optimizer's lr, see ``optim.schedules``.
    augment: a function (images, rng) -> images, which distorts the set anew before each epoch,
    see ``data.augmentation``. limits: ``Limits`` on gradients and weights. l2: alpha of the ``L2``
    penalty, which the losses then include. validation: a Split that is
    evaluated after each epoch; early_stopping: an ``EarlyStopping`` that watches it.
    callbacks: ``Callback`` objects, called in turn. resume: a file that ``Checkpoint`` wrote, to
    go on from: all other arguments must be those of then, but there may be more steps or epochs.
    The result is that of never having stopped, to the bit. input: how images reach the first
    layer, see ``inputs.choose``. quiet hides the progress. Ctrl-C returns what was reached, with
    ``history.interrupted`` set.

    Raises DivergedError when the loss is no longer finite, and NpNNError for sizes, shapes,
    numbers and labels that do not fit, and for a file that is damaged or of another training.
    """
    _check(data)
    if early_stopping and validation is None:
        raise NpNNError("early stopping needs a validation split to watch")
    if order and resume is not None:
        raise NpNNError("a training with an order of its own cannot be resumed: it is not saved")
    batches = Batches(
        len(data), batch_size, steps=steps, epochs=epochs, replacement=replacement, order=order,
        seed=seed,
    )  # fmt: skip
    settings = {
        "loss": loss, "schedule": schedule, "augment": augment, "limits": limits, "l2": l2
    }  # fmt: skip
    training = Training(model, optimizer, batches, early_stopping, **settings)
    if resume is not None:
        checkpoint.resume(resume, training)
    hooks, history, base = Hooks(callbacks), training.history, optimizer.config["lr"]
    train = build_steps(
        model, inputs.choose(data, model, input), data.labels, loss, optimizer, limits, l2
    )

    def most():
        return train.most(batch_size, hooks.batches_until_due(history.done, len(batches)))

    start = history.done
    model.train()
    with history, np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for block in progress(training.blocks(most), history, quiet):
            done = history.done
            if training.epoch_begins or done == start:
                hooks.epoch_begin(training)
                if augment:
                    distorted = augment(data.images, training.rng["augmentation"])
                    train.use(inputs.choose(replace(data, images=distorted), model, input))
            at = range(done, done + len(block))
            rates = [base * schedule(step, len(batches)) if schedule else base for step in at]
            losses, correct = train(block, np.array(rates))
            training.record(losses, correct / block.shape[1])
            if validation and training.epoch_ends:
                training.validated(evaluate(model, validation, loss))
                model.train()
            hooks.batch_end(training, done)
            if training.epoch_ends:
                hooks.epoch_end(training)
            if training.stop:
                break
    if training.best:
        training.best.restore()
    return history


def evaluate(model, data, loss=None, *, input="auto", keep=False):
    """Accuracy and mean loss (cross-entropy unless another is given) over a Split.

    A loss with reduction "sum" is summed over the numbers of each image. keep: the outputs, too.
    """
    loss, total, correct, kept = loss or CrossEntropyLoss(), 0.0, 0, []
    for indices, outputs in _forward(model, data, input):
        y = data.labels[indices]
        total += loss.forward(outputs, y) * (1 if loss.is_sum else len(y))
        correct += loss.count_correct(outputs, y)
        if keep:
            kept.append(outputs.copy())
    return Evaluation(
        correct / len(data), total / len(data), np.concatenate(kept) if keep else None
    )


def predict(model, data, *, input="auto"):
    """The model's outputs for all images of a Split, (n, C), made in blocks of bounded size."""
    return np.concatenate([outputs.copy() for _, outputs in _forward(model, data, input)])


def _forward(model, data, input):
    """Yield the indices of each block and the model's outputs for it, valid until the next."""
    _check(data)
    batch = inputs.choose(data, model, input)
    model.eval()
    model, block = fuse(fold(model)), FEW if inputs.takes_images(model) else BLOCK
    for start in range(0, len(data), block):
        indices = np.arange(start, min(start + block, len(data)))
        yield indices, model.forward(batch(indices))


def _check(data):
    if len(data) != len(data.labels) or not len(data):
        raise NpNNError(f"{len(data)} images and {len(data.labels)} labels do not fit")
    if is_matrix(data.images) and (
        data.images.format != "csr" or not data.images.has_canonical_format
    ):
        raise NpNNError("a sparse matrix must be CSR, with sum_duplicates() called")
    for name in ("images", "labels"):
        array = getattr(data, name)
        array = array.data if is_matrix(array) else array
        if array.dtype.kind not in "uif":
            raise NpNNError(f"the {name} must be numbers, got {array.dtype}")
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise NpNNError(f"the {name} hold NaN or infinite numbers")
