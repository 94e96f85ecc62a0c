"""Rehearsal: errors of mismatched arguments before the first step, not within an epoch."""

from dataclasses import replace

import numpy as np

from np_nn.data.split import check_samples, in_memory, is_matrix
from np_nn.layers.module import inference
from np_nn.layers.norm import BatchNorm
from np_nn.training import inputs
from np_nn.utils.errors import NpNNError


def rehearse(model, loss, batches, data, validation=None, input="auto", shards=1):
    """Use a model on one image of each Split, before it is trained on them.

    Args:
        model: Module, in the modes of the training.
        loss: Loss.
        batches: `Batches` of the training.
        data: `Split` to train on.
        validation: `Split` to evaluate after each epoch, if any.
        input: see `fit`.
        shards: number of parts in which each batch is computed.

    Raises:
        NpNNError: for images that the model does not take, labels that do not match its outputs,
            and batches that are too small for a layer.
    """
    _try(model, loss, data, input)
    _check_batches(model, batches, shards)
    if validation is not None:
        try:
            check_samples(validation)
            _check_scales(data, validation)
            _try(model, loss, validation, input)
        except NpNNError as error:
            raise NpNNError(f"the validation split does not fit: {error}") from None


def _try(model, loss, split, input):
    """Run the model on the first image, and check its outputs against all labels."""
    first = replace(split, images=split.images[:1], labels=split.labels[:1])
    with inference():
        outputs = model.forward(inputs.choose(first, model, input)(np.arange(1)))
    loss.check(np.broadcast_to(outputs, (len(split), *outputs.shape[1:])), split.labels)


def _check_scales(data, validation):
    """Raise NpNNError for whole numbers that count as pixels, 0..255, in one Split only."""
    splits = {"training": data, "validation": validation}
    floats = {name: one.images for name, one in splits.items() if one.images.dtype == np.float32}
    if len(floats) != 1:
        return
    [(name, images)] = floats.items()
    values = images.data if is_matrix(images) else in_memory(images)
    if values.size and values.max() > 1 and np.array_equal(values, np.floor(values)):
        raise NpNNError(
            f"the {name} images are whole numbers up to {values.max():.0f} and stay as they are, "
            "the others are pixels and become 0..1; give both as floats, or both as bytes"
        )


def _check_batches(model, batches, shards):
    """Raise NpNNError for batches whose shards are smaller than a BatchNorm needs."""
    n, size, smallest = batches.n, batches.batch_size, batches.sizes[: len(batches)].min()
    for layer in model.modules():
        if not (isinstance(layer, BatchNorm) and layer.training):
            continue
        least = shards * layer.least_batch() if layer.least_batch() > 1 else 1
        if smallest < least:
            sizes = range(max(size + 1, least), n + 1)
            fits = next((size for size in sizes if not 0 < n % size < least), None)
            what = f"batches of {size:,}" if smallest == size else f"a last batch of {smallest}"
            what += f" in {shards} shards" if shards > 1 else ""
            remedy = f"a batch size of {fits:,}" if fits else "more images"
            raise NpNNError(
                f"{n:,} images in batches of {size:,}: {layer} cannot train on {what}; "
                f"take {remedy}"
            )
