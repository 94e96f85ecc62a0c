"""Conversion of dataclasses to plain values for JSON, and back from untrusted values."""

import dataclasses
from types import NoneType, UnionType
from typing import get_args, get_origin, get_type_hints

import numpy as np

from np_nn.utils.errors import NpNNError, shown

LARGEST = 1e300  # exclusive limit of a float's magnitude
_SCALARS = (bool, int, float, str, NoneType)


def plain(value):
    """Return a value for JSON: dataclasses and dicts as dicts, sequences as lists, others as text.

    NumPy's numbers become Python's.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(name): plain(part) for name, part in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    return value if type(value) in _SCALARS else str(value)


def read(kind, tree, where):
    """Return the dataclass `kind` rebuilt from `tree`, a result of `plain`.

    Fields missing in the tree get their defaults. Unknown names are ignored: a later version may
    have written them. where: description of the tree, for messages.

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
    if isinstance(hint, UnionType):  # X | None
        return None if value is None else _read(get_args(hint)[0], value, where)
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
    """Return a plain value with its lists replaced by tuples, as dataclasses hold them."""
    if isinstance(value, list):
        return tuple(map(frozen, value))
    if isinstance(value, dict):
        return {name: frozen(part) for name, part in value.items()}
    return value
