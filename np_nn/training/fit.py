"""The training loop, and the evaluation and use of what it reached."""

import numpy as np

from np_nn.data.split import check_samples
from np_nn.layers.module import inference, kept_modes
from np_nn.losses import CrossEntropyLoss
from np_nn.training import checkpoint, inputs
from np_nn.training.callbacks import Hooks
from np_nn.training.fusion import fold, fuse
from np_nn.training.history import Evaluation
from np_nn.training.rehearsal import rehearse
from np_nn.training.state import Training
from np_nn.training.steps import build as build_steps
from np_nn.utils.progress import progress

BLOCK = 1000  # images at a time when nothing is learnt: bounds the memory, and fits the cache
FEW = 50  # the same for convolutions, whose arrays are some hundred times as large as an image


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
    seed=None,
    input="auto",
    quiet=False,
):
    """Train a model in place.

    Args:
        model: Module, trained in training mode; afterwards each of its modules is in the mode of
            before.
        data: `Split`: images (n, ...), pixels or floats, and labels (n,) int, or targets (n, C)
            for a loss of values.
        loss: Loss.
        optimizer: Optimizer of the model's parameters.
        steps, epochs, batch_size, replacement, order: see ``data.batches.Batches``.
        schedule: function (step, steps) -> share of the optimizer's lr, such as `StepLR`.
        augment: function (images, rng) -> images that distorts the set anew before each epoch,
            such as `Affine`.
        limits: `Limits` on gradients and weights.
        l2: alpha of an L2 penalty, which the losses then include.
        validation: `Split` that is evaluated after each epoch.
        early_stopping: `EarlyStopping` that watches it; the best weights are kept.
        callbacks: `Callback` objects, called in turn.
        resume: file that `Checkpoint` wrote, to continue from, bit for bit as if training had
            never stopped. All other arguments must match the original run, but for more steps or
            epochs.
        seed: of the batches, the distortions and the layers that draw random numbers. None: the
            next one of `manual_seed`, so that a second call draws new batches and a program that
            is run again repeats itself; with ``resume`` that of the original run.
        input: how images reach the first layer: "auto", "dense" or "sparse"; see
            ``training.inputs.choose``.
        quiet: show no progress.

    Returns:
        `History`. After Ctrl-C it ends where training stopped, and is ``interrupted``.

    Raises:
        DivergedError: for a loss that is no longer finite.
        NpNNError: for sizes, shapes, numbers or labels that do not fit, and for a file to resume
            from that is damaged or of another training.
    """
    training = Training(
        model, data, loss, optimizer,
        schedule=schedule, augment=augment, limits=limits, l2=l2, validation=validation,
        early_stopping=early_stopping, batch_size=batch_size, steps=steps, epochs=epochs,
        replacement=replacement, order=order, seed=seed,
    )  # fmt: skip
    hooks = Hooks(callbacks)
    with kept_modes(model), np.errstate(all="ignore"):
        if not model.training:  # else each layer stays in the mode that it was put into
            model.train()
        rehearse(model, loss, training.batches, data, validation, input)
        if resume is not None:
            checkpoint.resume(resume, training)
        with training.history:
            _loop(training, hooks, input, quiet)
    training.close()
    return training.history


def _loop(training, hooks, input, quiet):
    """Train on one block of batches after the other, with what is due before and after each."""
    model, data, history = training.model, training.data, training.history
    feed = inputs.choose(data, model, input)
    train = build_steps(
        model, feed, data.labels, training.loss, training.optimizer, training.limits, training.l2
    )

    def most():
        return train.most(
            training.batches.batch_size, hooks.batches_until_due(history.done, history.steps)
        )

    start = history.done
    for block in progress(training.blocks(most), history, quiet, lambda: training.rate):
        done = history.done
        if training.epoch_begins or done == start:
            hooks.epoch_begin(training)
            if training.augment:
                train.use(inputs.choose(training.distorted(), model, input))
        losses, correct = train(block, training.rates(len(block)))
        training.record(losses, correct / block.shape[1])
        if training.validation and training.epoch_ends:
            training.validated(evaluate(model, training.validation, training.loss))
        hooks.batch_end(training, done)
        if training.epoch_ends:
            hooks.epoch_end(training)
        if training.stop:
            break


def evaluate(model, data, loss=None, *, input="auto", keep=False):
    """Measure a model on a Split, as after ``eval()``; no module's mode is changed.

    Args:
        model: Module.
        data: `Split`.
        loss: Loss; cross-entropy unless another is given. One with reduction "sum" is summed over
            the numbers of each image.
        input: see `fit`.
        keep: keep the outputs, too.

    Returns:
        `Evaluation`: accuracy, None where there are no classes, as in a regression; and mean loss
            of the images, with class weights the weighted mean of the whole set.
    """
    loss, total, correct, kept = loss or CrossEntropyLoss(), 0.0, 0, []
    for indices, outputs in _forward(model, data, input):
        y = data.labels[indices]
        total += loss.sum(outputs, y)
        correct += loss.count_correct(outputs, y)
        if keep:
            kept.append(outputs.copy())
    whole = len(data) if loss.is_sum else loss.whole(data.labels)
    accuracy = correct / len(data) if loss.has_classes(data.labels) else None
    return Evaluation(accuracy, total / whole, np.concatenate(kept) if keep else None)


def predict(model, data, *, input="auto"):
    """The model's outputs for all images of a Split, (n, C), made in blocks of bounded size."""
    return np.concatenate([outputs.copy() for _, outputs in _forward(model, data, input)])


def _forward(model, data, input):
    """Yield the indices of each block and the model's outputs for it, valid until the next."""
    check_samples(data)
    batch = inputs.choose(data, model, input)
    model, block = fuse(fold(model)), FEW if inputs.takes_images(model) else BLOCK
    for start in range(0, len(data), block):
        indices = np.arange(start, min(start + block, len(data)))
        with inference():
            outputs = model.forward(batch(indices))
        yield indices, outputs
