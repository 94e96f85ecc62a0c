"""Packages that only some features need, imported on use."""

import importlib
import warnings

from np_nn.utils.errors import NpNNError


def need(package, purpose):
    """Import and return a package. Raises NpNNError with the install command if it is missing."""
    try:
        return importlib.import_module(package)
    except ImportError:
        name = package.split(".")[0]
        raise NpNNError(f"{purpose} needs the package {name}: pip install {name}") from None


def silently(package):
    """Import and return a package that imports tqdm.auto, which warns if ipywidgets is missing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module(package)
