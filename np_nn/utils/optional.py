"""Packages that only some features need."""

import importlib

from np_nn.utils.errors import NpNNError


def need(package, purpose):
    """The package, imported. Raises NpNNError, which says how to install it, if it is missing."""
    try:
        return importlib.import_module(package)
    except ImportError:
        name = package.split(".")[0]
        raise NpNNError(f"{purpose} needs the package {name}: pip install {name}") from None
