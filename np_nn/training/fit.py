"""Training loop, evaluation and prediction."""

from collections.abc import Callable, Iterable

import numpy as np

from np_nn.data.split import SplitLike, as_samples, as_split, check_samples
from np_nn.layers.module import Module, inference, kept_modes
from np_nn.losses import CrossEntropyLoss, Loss
from np_nn.optim.limits import Limits
from np_nn.optim.optimizers import Optimizer
from np_nn.training import checkpoint, inputs
from np_nn.training.callbacks import Callback, Hooks
from np_nn.training.early_stopping import EarlyStopping
from np_nn.training.fusion import fold, fuse
from np_nn.training.history import Evaluation, History
from np_nn.training.rehearsal import rehearse
from np_nn.training.state import Training
from np_nn.training.steps import build as build_steps
from np_nn.utils.base_team import BaseTeam
from np_nn.utils.progress import progress
from np_nn.utils.types import Array, ArrayLike, Feed, PathLike

BLOCK = 1000  # images per block in inference: bounds the memory, and fits the cache
FEW = 50  # the same for convolutions, whose arrays are about a hundred times as large as an image


def fit(
    model: Module, data: SplitLike, loss: Loss, optimizer: Optimizer, *,
    steps: int | None = None, epochs: int | None = None, batch_size: int = 128,
    replacement: bool = False,
    order: Callable[[], ArrayLike] | None = None,
    schedule: Callable[[int, int], float] | None = None,
    augment: Callable[[Array, np.random.Generator], Array] | None = None,
    limits: Limits | None = None, l2: float = 0.0, validation: SplitLike | None = None,
    early_stopping: EarlyStopping | None = None, callbacks: Iterable[Callback] = (),
    resume: PathLike | None = None, seed: int | None = None, input: Feed = "auto",
    quiet: bool = False, team: BaseTeam | None = None,
) -> History:  # fmt: skip
    """Train a model in place.

    Args:
        model: Module, trained in training mode; afterwards its modules are in their old modes.
        data: `Split`, or a pair (x, y) of arrays, lists or frames: images (n, ...), pixels or
            floats, and labels (n,) int, or targets (n, C) for a loss of values.
        loss: Loss.
        optimizer: Optimizer of the model's parameters.
        steps: number of batches, or None if `epochs` is given; see ``data.batches.Batches``.
        epochs: number of passes over the data, or None if `steps` is given.
        batch_size: number of images per batch.
        replacement: draw each batch from the whole set, instead of dividing the shuffled set.
        order: function () -> order of the samples in the next epoch; None: shuffled.
        schedule: function (step, steps) -> factor of the optimizer's lr, such as `StepLR`.
        augment: function (images, rng) -> images, called before each epoch, such as `Affine`.
        limits: `Limits` on gradients and weights.
        l2: alpha of an L2 penalty, which the losses then include.
        validation: `Split` or pair (x, y) that is evaluated after each epoch.
        early_stopping: `EarlyStopping` on `validation`; the best weights are kept.
        callbacks: `Callback` objects, called in turn.
        resume: file written by `Checkpoint`, from which training continues bit for bit. All other
            arguments must match the original run, except for more steps or epochs.
        seed: seed of batches, distortions and random layers. None: the next one of `manual_seed`,
            so that a second call draws other batches, and a second run of a program the same ones;
            with ``resume`` that of the original run.
        input: how images reach the first layer: "auto", "dense" or "sparse"; see
            ``training.inputs.choose``.
        quiet: show no progress.
        team: `Team` of processes, each of which calls fit with the same arguments. Only its first
            one shows progress and calls the callbacks that write files. None: this process alone.

    Returns:
        `History`. After Ctrl-C it ends where training stopped, and is ``interrupted``.

    Raises:
        DivergedError: if the loss is no longer finite.
        NpNNError: for unsuitable sizes, shapes, numbers or labels, and for a file to resume from
            that is damaged or of another training; and if the team's processes differ.
    """
    team = team or BaseTeam()
    data, validation = as_split(data), None if validation is None else as_split(validation)
    training = Training(
        model, data, loss, optimizer,
        schedule=schedule, augment=augment, limits=limits, l2=l2, validation=validation,
        early_stopping=early_stopping, batch_size=batch_size, steps=steps, epochs=epochs,
        replacement=replacement, order=order, seed=seed, shards=team.shards,
    )  # fmt: skip
    hooks = Hooks(callbacks, team.leads)
    with team.running(), kept_modes(model), np.errstate(all="ignore"):
        if not model.training:  # else each layer keeps the mode that the user chose
            model.train()
        rehearse(model, loss, training.batches, data, validation, input, team.shards or 1)
        if resume is not None:
            checkpoint.resume(resume, training)
        team.check(training)
        with training.history:
            _loop(training, hooks, input, quiet or not team.leads, team)
    training.close()
    return training.history


def _loop(training, hooks, input, quiet, team):
    """Train on each block of batches, and run the hooks and the validation that are due."""
    model, data, history = training.model, training.data, training.history
    feed = inputs.choose(data, model, input)
    train = team.steps(
        build_steps, model, feed, data.labels, training.loss, training.optimizer, training.limits,
        training.l2,
    )  # fmt: skip

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
        if training.validation is not None and training.epoch_ends:
            training.validated(evaluate(model, training.validation, training.loss))
        hooks.batch_end(training, done)
        if training.epoch_ends:
            hooks.epoch_end(training)
        team.agree(training)
        if training.stop:
            break


def evaluate(
    model: Module, data: SplitLike, loss: Loss | None = None, *, input: Feed = "auto",
    keep: bool = False,
) -> Evaluation:  # fmt: skip
    """Measure a model on a Split in evaluation mode; no module's mode is changed.

    Args:
        model: Module.
        data: `Split`, or a pair (x, y).
        loss: Loss; None: cross-entropy. One with reduction "sum" is summed over the numbers of
            each image.
        input: see `fit`.
        keep: keep the outputs, too.

    Returns:
        `Evaluation`: accuracy, None without classes, as in a regression; and mean loss of the
            images, with class weights the weighted mean of the whole set.
    """
    data = as_split(data)
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


def predict(model: Module, data: ArrayLike | SplitLike, *, input: Feed = "auto") -> Array:
    """Return the model's outputs for all images, (n, C), computed in blocks.

    data: `Split`, a pair (x, y), or x alone (n, ...). Raises NpNNError for other data.
    """
    return np.concatenate(
        [outputs.copy() for _, outputs in _forward(model, as_samples(data), input)]
    )


def _forward(model, data, input):
    """Yield (indices, outputs) of each block; the outputs are valid until the next block."""
    check_samples(data)
    batch = inputs.choose(data, model, input)
    model, block = fuse(fold(model)), FEW if inputs.takes_images(model) else BLOCK
    for start in range(0, len(data), block):
        indices = np.arange(start, min(start + block, len(data)))
        with inference():
            outputs = model.forward(batch(indices))
        yield indices, outputs
