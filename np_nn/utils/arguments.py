"""Check of arguments against type hints, where users call the library."""

import functools
import inspect
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np

from np_nn.utils.checks import NUMBERS, is_finite
from np_nn.utils.errors import NpNNError, shown, unknown_name

Checked = TypeVar("Checked", bound=Callable)

_UNFIT: Any = object()
_WORDS = {
    int: "a whole number", float: "a finite number", bool: "True or False", str: "a text",
    NoneType: "None", os.PathLike: "a path", Any: "an array",
}  # fmt: skip
_PLAIN = (*NUMBERS, np.bool_, str, bytes, NoneType)


def check_arguments(subject: Checked) -> Checked:
    """Return a function, or a class, whose arguments are checked against its type hints.

    One rule for all: a whole number is an int, not 16.0; a number is finite; neither is a bool;
    a switch is True or False; a name is one of its Literal; sequences are checked by their
    entries. NumPy's scalars become Python's numbers, sequences tuples, and iterables lists.
    Arrays are left to the function. A default always fits.

    The call raises NpNNError for an argument that does not fit.
    """
    if not inspect.isclass(subject):
        call = _checked(subject)
        call.__module__ = "np_nn"  # where pickle finds it
        return call
    owner = next(kind for kind in subject.__mro__ if "__init__" in vars(kind))
    if inspect.isfunction(owner.__init__) and not hasattr(owner.__init__, "__wrapped__"):
        owner.__init__ = _checked(owner.__init__)
    return subject


def _checked(function):
    signature = inspect.signature(function)
    hints = functools.cache(lambda: get_type_hints(function))
    method = function.__name__ == "__init__"

    @functools.wraps(function)
    def call(*positional, **named):
        try:
            bound = signature.bind(*positional, **named)
        except TypeError:
            return function(*positional, **named)  # raises Python's own error
        owner = type(positional[0]) if method else function
        for name, value in bound.arguments.items():
            parameter, hint = signature.parameters[name], hints().get(name, Any)
            where = f"{owner.__name__}: {name}"
            if parameter.kind is parameter.VAR_POSITIONAL:
                value = tuple(fitted(where, entry, hint) for entry in value)
            elif parameter.kind is not parameter.VAR_KEYWORD and value is not parameter.default:
                value = fitted(where, value, hint)
            bound.arguments[name] = value
        return function(*bound.args, **bound.kwargs)

    return call


def fitted(where, value, hint):
    """Return a value converted to a type hint. where: start of the message, "fit: epochs".

    Raises NpNNError for a value that does not fit the hint.
    """
    converted = _converted(value, hint)
    if converted is not _UNFIT:
        return converted
    if get_origin(hint) is Literal and isinstance(value, str):
        owner, _, name = where.partition(": ")
        raise NpNNError(f"{owner}: {unknown_name(name, value, get_args(hint))}")
    raise misfit(where, value, _described(hint), hint)


def misfit(where, value, wanted, hint=None):
    """Return an error that says what was given, what is wanted, and the likely remedy."""
    return NpNNError(f"{where} must be {wanted}, got {_given(value)}{_remedy(value, hint)}")


def _converted(value, hint):
    """Return the value as the hint wants it, or _UNFIT."""
    if isinstance(hint, TypeVar):
        hint = hint.__bound__
    kind, parts = get_origin(hint) or hint, get_args(hint)
    if kind in (Union, UnionType):
        if os.PathLike in map(get_origin, parts) and isinstance(value, str | os.PathLike):
            text = os.fspath(value)
            return value if text and "\0" not in text else _UNFIT
        found = (_converted(value, part) for part in parts)
        return next((each for each in found if each is not _UNFIT), _UNFIT)
    if kind in (Any, object, np.ndarray):
        return value
    if kind is Literal:
        return value if isinstance(value, str) and value in parts else _UNFIT
    if kind in (int, float, bool):
        return _number(value, kind)
    if kind in (tuple, Sequence, Iterable):
        return _entries(value, kind, parts)
    if kind is Callable:
        return value if callable(value) else _UNFIT
    return value if isinstance(value, kind) else _UNFIT


def _number(value, kind):
    if kind is bool or isinstance(value, bool | np.bool_):
        return bool(value) if kind is bool and isinstance(value, bool | np.bool_) else _UNFIT
    if isinstance(value, int | np.integer):
        return int(value) if kind is int or is_finite(value) else _UNFIT
    fits = kind is float and isinstance(value, NUMBERS) and is_finite(value)
    return float(value) if fits else _UNFIT


def _entries(value, kind, parts):
    """Return a collection with converted entries: a list for Iterable, else a tuple."""
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
        return _UNFIT
    if kind is not Iterable and not isinstance(value, Sequence | np.ndarray):
        return _UNFIT
    if Any in parts and not isinstance(value, tuple | list):  # an array is one entry, not several
        return _UNFIT
    try:
        values = list(value)
    except TypeError:  # an array or a tensor of no axis
        return _UNFIT
    hints = parts if kind is tuple and ... not in parts else parts[:1] * len(values)
    if len(hints) != len(values):
        return _UNFIT
    entries = [_converted(each, hint) for each, hint in zip(values, hints, strict=True)]
    if any(each is _UNFIT for each in entries):
        return _UNFIT
    return entries if kind is Iterable else tuple(entries)


def _described(hint):
    """Return the words for a type hint: "a whole number or None"."""
    if isinstance(hint, TypeVar):
        hint = hint.__bound__
    kind, parts = get_origin(hint) or hint, get_args(hint)
    if kind in (Union, UnionType):
        words = dict.fromkeys(map(_described, parts))
        return " or ".join(word for word in words if not (word == "a text" and "a path" in words))
    if kind is Literal:
        return f"one of {', '.join(parts)}"
    if kind is tuple and ... not in parts:
        return f"({', '.join(map(_described, parts))})"
    if kind in (tuple, Sequence, Iterable):
        return f"a list of {_plural(parts[0])}"
    if kind is Callable:
        return "a function"
    return _WORDS.get(kind) or _article(kind.__name__)


def _plural(hint):
    return {int: "whole numbers", float: "finite numbers"}.get(hint) or (
        f"{hint.__name__} objects" if inspect.isclass(hint) else "entries"
    )


def _given(value):
    """Return a short description of a value: numbers and texts themselves, else the type."""
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if isinstance(value, _PLAIN) or (
        isinstance(value, list | tuple) and all(isinstance(each, _PLAIN) for each in value)
    ):
        return shown(repr(value))
    if isinstance(value, list | tuple):
        return f"a {type(value).__name__} that begins with {_given(value[0])}"
    name = f"{value.dtype} array" if isinstance(value, np.ndarray) else type(value).__name__
    shape = getattr(value, "shape", None)
    return f"{_article(name)}{f' of shape {tuple(shape)}' if isinstance(shape, tuple) else ''}"


def _article(name):
    return f"{'an' if name[:1] in 'AEIOaeio' else 'a'} {name}"


def _remedy(value, hint):
    """Return the end of a message that says what was probably meant, or ""."""
    for each in get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,):
        kind, parts = get_origin(each) or each, get_args(each)
        if kind in (Iterable, Sequence) or (kind is tuple and ... in parts):
            if isinstance(value, list | tuple):
                unfit = (one for one in value if _converted(one, parts[0]) is _UNFIT)
                return next((_remedy(one, parts[0]) for one in unfit), "")
            if _converted(value, parts[0]) is not _UNFIT:
                return ": put it in a list"
            if callable(getattr(value, "parameters", None)):
                return ": write model.parameters()"
        elif inspect.isclass(kind) and kind not in _WORDS:
            if inspect.isclass(value) and issubclass(value, kind):
                return f": write {value.__name__}()"
            if isinstance(value, list | tuple) and value and isinstance(value[0], kind):
                return ": give it without the list"
            if isinstance(getattr(value, "train", None), kind):
                return ": give its train or its test"
    return ""
