"""Dataclasses as plain values, which JSON can hold, and back from values that anyone may write."""

import dataclasses
from types import NoneType
from typing import get_args, get_origin, get_type_hints

import numpy as np

from np_nn.utils.errors import NpNNError, shown

LARGEST = 1e300  # of a number
_SCALARS = (bool, int, float, str, NoneType)


def plain(value):
    """Return a value for JSON: dataclasses and dicts as dicts, sequences as lists, others as text.

    NumPy's numbers become Python's.
    """
    if dataclasses.is_dataclass(value):
        value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(name): plain(part) for name, part in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    return value if type(value) in _SCALARS else str(value)


def read(kind, tree, where):
    """Return the dataclass of this kind that `plain` made a tree of.

    Fields that the tree lacks get their defaults. Names that are no fields are ignored: they are
    of a later version. where: what the tree is, for messages.

    Raises NpNNError for a value of another type than its field declares, and what ``kind`` raises.
    """
    if not isinstance(tree, dict):
        raise NpNNError(f"{where}: not a dict")
    hints = get_type_hints(kind)
    return kind(
        **{
            field.name: _read(hints[field.name], tree[field.name], f"{where}: {field.name}")
            for field in dataclasses.fields(kind)
            if field.name in tree
        }
    )


def _read(hint, value, where):
    if dataclasses.is_dataclass(hint):
        return read(hint, value, where)
    if get_origin(hint) is tuple and isinstance(value, list):
        part, *_ = get_args(hint)
        return tuple(_read(part, entry, where) for entry in value)
    if hint is dict and isinstance(value, dict):
        return {name: frozen(entry) for name, entry in value.items()}
    if hint is float and type(value) in (int, float) and abs(value) < LARGEST:
        return float(value)
    if hint in (bool, int, str) and type(value) is hint:
        return value
    raise NpNNError(f"{where}: {shown(repr(value))} does not fit")


def frozen(value):
    """Return a plain value with tuples in the place of its lists, as dataclasses hold them."""
    if isinstance(value, list):
        return tuple(map(frozen, value))
    if isinstance(value, dict):
        return {name: frozen(part) for name, part in value.items()}
    return value
