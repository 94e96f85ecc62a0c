"""Model files: a network with everything needed to use it without the code that built it.

The format is that of checkpoints, see `archive`. The arrays keep their ``state_dict`` names, so
that every reader of safetensors finds the weights.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np

from np_nn.layers.module import Module
from np_nn.saving import weights
from np_nn.saving.model_info import ModelInfo
from np_nn.saving.rebuild import check_output, rebuild
from np_nn.training import inputs
from np_nn.utils import archive, files, machine
from np_nn.utils.description import describe
from np_nn.utils.errors import NpNNError, unknown_name
from np_nn.utils.plain import read
from np_nn.utils.types import PathLike

NETWORK = "network"  # key of the description in a file's tree


def save_model(model: Module, path: PathLike, info: ModelInfo | None = None) -> None:
    """Write a model with its description: layers, weights, class names, preparation.

    path: ends in .safetensors. info: `ModelInfo`; None: the model's own, as set by recipes and
    `load_model`, or an empty one.

    Raises NpNNError for a layer that is not np_nn's own, weights that are not finite, an info that
    does not fit the layers, or another ending, and if the file cannot be written.
    """
    if Path(path).suffix.lower() != ".safetensors":
        raise unknown_name("ending of a model file", Path(path).suffix, [".safetensors"])
    info = info or model.info or ModelInfo()
    if not info.versions:
        info = replace(info, versions=machine.versions("np_nn", "numpy"))
    network, state = describe(model, info), model.state_dict()
    try:
        _build(network, state)
    except NpNNError as error:
        raise NpNNError(f"cannot save the model: {error}") from None
    files.write_file(path, archive.pack({NETWORK: network}, state))


def load_model(path: PathLike) -> Module:
    """Return the model in a file, a Module after ``eval()``, with its `ModelInfo` as ``info``.

    path: a file of `save_model`, of `Checkpoint` or of the programs' --save and --export. A
    checkpoint with early stopping gives its best weights. Reading the file runs no code.

    Raises NpNNError for a file that is missing, damaged or of a later version, for a file of
    arrays alone (use `load_weights`), and for layers that are not np_nn's own.
    """
    content = files.read_file(path, archive.MOST_BYTES)
    try:
        tree, state = _stored(content, path)
    except NpNNError as error:
        raise NpNNError(f"{path} {error}") from None
    try:
        return _build(tree[NETWORK], state)
    except NpNNError as error:
        raise NpNNError(f"cannot load the model of {path}: {error}") from None


def _stored(content, path):
    """Return (tree, state_dict) of a file; raise NpNNError if it has no description."""
    if archive.is_ours(content):
        tree, state = weights.unpack(content)
        if NETWORK in tree:
            return tree, state
    elif not weights.is_torch(path):
        archive.arrays(content)  # raises the clearer error if it is not a file of arrays
    raise NpNNError(
        "holds weights without a description of their network: build it in Python, and load them "
        "with load_weights(model, path)"
    )


def _build(network, state):
    """Build a Module from a description and arrays. Raises NpNNError if they do not fit."""
    if not isinstance(network, dict) or not {"layers", "info"} <= network.keys():
        raise NpNNError("its description is incomplete")
    if not all(np.isfinite(array).all() for array in state.values() if array.dtype.kind == "f"):
        raise NpNNError("its weights are not finite numbers")
    model = rebuild(network["layers"], state)
    model.info = read(ModelInfo, network["info"] or {}, "info")
    if shape := model.info.preparation.shape:
        check_output(model, inputs.sample_shape(shape, model), len(model.info.classes))
    return model
