"""Packages that only some features need."""

import importlib

from np_nn.utils.errors import NpNNError


def need(package, purpose):
    """Import and return a package. Raises NpNNError with the install command if it is missing."""
    try:
        return importlib.import_module(package)
    except ImportError:
        name = package.split(".")[0]
        raise NpNNError(f"{purpose} needs the package {name}: pip install {name}") from None
