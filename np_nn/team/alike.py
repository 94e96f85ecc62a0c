"""Comparison of what the ranks of a team train, before the first step and after each epoch."""

import zlib
from dataclasses import replace

from np_nn.data.fingerprint import digest
from np_nn.training.fit import predict
from np_nn.utils import machine
from np_nn.utils.errors import NpNNError, shown

FEW = 8  # images whose outputs are compared


def description(training):
    """Return {name: value} of all that must be equal on all ranks for equal steps.

    It includes outputs of the network: on another CPU, the kernels or NumPy's BLAS may round
    differently.
    """
    model, data = training.model, training.data
    first = replace(data, images=data.images[:FEW], labels=data.labels[:FEW])
    return {
        **{f"version of {name}": text for name, text in machine.versions("np_nn", "numpy").items()},
        "number of steps": training.history.steps,
        "number of steps done": training.history.done,
        **training.plan,
        "initial weights' SHA-256": digest(*model.state_dict().values()),
        "outputs' SHA-256 (they depend on CPU and BLAS)": digest(predict(model, first)),
    }


def compare(descriptions):
    """Raise NpNNError for the first rank whose description is not rank 0's."""
    first = descriptions[0]
    for rank, other in enumerate(descriptions):
        for name in {**first, **other}:
            if first.get(name) != other.get(name):
                raise NpNNError(
                    f"rank {rank} would not train the same as rank 0: its {name} is "
                    f"{shown(other.get(name))}, not {shown(first.get(name))}"
                )


def checksum(model):
    """Return a number that differs for other weights."""
    total = 0
    for array in model.state_dict().values():
        total = zlib.crc32(array, total)
    return total


def check_weights(sums, step):
    """Raise NpNNError for the first rank whose checksum of the weights is not rank 0's."""
    for rank, other in enumerate(sums):
        if other != sums[0]:
            raise NpNNError(
                f"the weights of rank {rank} are no longer those of rank 0 after step {step:,}: a "
                "callback changed them on one rank only, or its machine computes other bits"
            )
