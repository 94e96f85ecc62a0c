"""Check of arguments against type hints, where users call the library."""

import functools
import inspect
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np

from np_nn.utils.checks import is_finite
from np_nn.utils.errors import NpNNError, shown, unknown_name

Checked = TypeVar("Checked", bound=Callable)
NUMBERS = {bool: (bool,), int: (int,), float: (int, float)}
WORDS = {
    int: "a whole number", float: "a finite number", bool: "True or False", str: "a text",
    NoneType: "None", os.PathLike: "a path", Any: "an array", Callable: "a function",
}  # fmt: skip
PLAIN = (int, float, str, bytes, NoneType, np.generic)
UNFIT: Any = object()


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
    owner: Any = next(kind for kind in subject.__mro__ if "__init__" in vars(kind))
    if inspect.isfunction(owner.__init__) and not hasattr(owner.__init__, "__wrapped__"):
        owner.__init__ = _checked(owner.__init__)
    return subject


def _checked(function):
    signature = inspect.signature(function)
    hints = functools.cache(lambda: get_type_hints(function))

    @functools.wraps(function)
    def call(*positional, **named):
        try:
            bound = signature.bind(*positional, **named)
        except TypeError:
            return function(*positional, **named)  # raises Python's own error
        owner = type(positional[0]) if function.__name__ == "__init__" else function
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
    if converted is not UNFIT:
        return converted
    hints = get_args(hint) if _split(hint)[0] is Union else (hint,)
    names = [get_args(each) for each in hints if get_origin(each) is Literal]
    if names and isinstance(value, str):
        owner, _, name = where.partition(": ")
        raise NpNNError(f"{owner}: {unknown_name(name, value, names[0])}")
    raise NpNNError(f"{where} must be {_described(hint)}, got {given(value)}{_remedy(value, hint)}")


def given(value):
    """Return a description of a value: numbers and texts themselves, else the type."""
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if hasattr(value, "dtype") and hasattr(value, "shape") and value.shape:
        return f"{value.dtype} of shape {tuple(value.shape)}"
    entries = value if isinstance(value, list | tuple) else (value,)
    if all(isinstance(entry, PLAIN) for entry in entries):
        return shown(repr(value))
    more = f" that begins with {given(value[0])}" if entries is value else ""
    return f"{_article(type(value).__name__)}{more}"


def _split(hint):
    """Return (kind, parts) of a hint: (Union, (int, NoneType)) of int | None."""
    hint = getattr(hint, "__bound__", hint)  # of a TypeVar
    kind = get_origin(hint) or hint
    return Union if kind is UnionType else kind, get_args(hint)


def _converted(value, hint):
    """Return the value as the hint wants it, or UNFIT."""
    kind, parts = _split(hint)
    if kind is Union:
        if os.PathLike in map(get_origin, parts) and isinstance(value, str) and "\0" in value:
            return UNFIT  # no path has one
        found = (_converted(value, part) for part in parts)
        return next((each for each in found if each is not UNFIT), UNFIT)
    if kind in (tuple, Sequence, Iterable):
        return _entries(value, kind, parts)
    if kind in NUMBERS:
        value = value.item() if isinstance(value, np.generic) else value
        fits = type(value) in NUMBERS[kind] and (kind is not float or is_finite(value))
    elif kind is Literal:
        fits = isinstance(value, str) and value in parts
    else:
        fits = kind in (Any, object, np.ndarray) or isinstance(value, kind)
    return value if fits else UNFIT


def _entries(value, kind, parts):
    """Return a collection with converted entries: a list for Iterable, else a tuple."""
    takes = Iterable if kind is Iterable else (Sequence, np.ndarray)
    takes = (list, tuple) if Any in parts else takes  # an array is one entry, not several
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, takes):
        return UNFIT
    values = list(value) if getattr(value, "ndim", 1) else [UNFIT]
    hints = parts if kind is tuple and ... not in parts else parts[:1] * len(values)
    if len(hints) != len(values):
        return UNFIT
    entries = [_converted(each, hint) for each, hint in zip(values, hints, strict=True)]
    if any(each is UNFIT for each in entries):
        return UNFIT
    return entries if kind is Iterable else tuple(entries)


def _described(hint):
    """Return the words for a type hint: "a whole number or None"."""
    kind, parts = _split(hint)
    if kind is Union:
        return " or ".join(map(_described, parts))
    if kind is Literal:
        return f"one of {', '.join(parts)}"
    if kind is tuple and ... not in parts:
        return f"({', '.join(map(_described, parts))})"
    if kind in (tuple, Sequence, Iterable):
        return f"a list, each entry {_described(parts[0])}"
    return WORDS.get(kind) or _article(kind.__name__)


def _article(name):
    return f"{'an' if name[0] in 'AEIOaeio' else 'a'} {name}"


def _remedy(value, hint):
    """Return the end of a message that says what was probably meant, or ""."""
    for each in get_args(hint) if _split(hint)[0] is Union else (hint,):
        kind, parts = _split(each)
        if kind in (Iterable, Sequence) or ... in parts:
            if isinstance(value, list | tuple):
                unfit = (entry for entry in value if _converted(entry, parts[0]) is UNFIT)
                return _remedy(next(unfit, None), parts[0])
            if _converted(value, parts[0]) is not UNFIT:
                return ": put it in a list"
            if callable(getattr(value, "parameters", None)):
                return ": write model.parameters()"
        elif inspect.isclass(kind) and kind not in WORDS:
            if inspect.isclass(value) and issubclass(value, kind):
                return f": write {value.__name__}()"
            if isinstance(value, list | tuple) and value and isinstance(value[0], kind):
                return ": give it without the list"
            if isinstance(getattr(value, "train", None), kind):
                return ": give its train or its test"
    return ""
