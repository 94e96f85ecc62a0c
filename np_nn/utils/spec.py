"""Objects by name, as recipes and the command line write them: "rmsprop:alpha=0.9,eps=1e-6".

A name from a table is followed by constructor arguments, if any. Numbers, [lists], true and false
are read as JSON; anything else is text.
"""

import inspect
import json
import re

from np_nn.utils.errors import NpNNError, unknown_name

LARGEST = 1e300  # exclusive limit of an option's magnitude; infinity and NaN are refused, too


def build(text, table, kind, *arguments, **more):
    """Build the object that the text names. table: {name: class}; kind: "optimizer", for messages.

    arguments, more: further constructor arguments. Raises NpNNError for an unknown name or
    option, and whatever the constructor raises.
    """
    name, options = parse(text, table, kind)
    given = {*list(_parameters(table[name]))[: len(arguments)], *more}
    for option in options.keys() & given:
        raise NpNNError(f"{name}: {option} is given by itself, not as an option of {kind}")
    return table[name](*arguments, **more, **options)


def parse(text, table, kind):
    """Return (name, {option: value}) of the text.

    Raises NpNNError for a name that is not in the table, an option that its class lacks, and a
    value of another kind than the option's default.
    """
    name, _, listed = str(text).partition(":")
    if name not in table:
        raise unknown_name(kind, name, table)
    options = dict(_option(item, name) for item in _items(listed))
    defaults = {
        option: parameter.default
        for option, parameter in _parameters(table[name]).items()
        if parameter.default is not parameter.empty
    }
    for option, value in options.items():
        if option not in defaults:
            raise unknown_name(f"option of {name}", option, list(defaults))
        if not _alike(value, defaults[option]):
            wanted = _KINDS[type(defaults[option])]
            raise NpNNError(f"{name}: {option} must be {wanted}, got {value!r}")
    return name, options


# Required kind of an option by the type of its default; None stands for a number.
_NUMBER = "a number"
_KINDS = {bool: "true or false", int: _NUMBER, float: _NUMBER, type(None): _NUMBER}
_KINDS |= {str: "a word", tuple: "a list of numbers"}


def _alike(value, default):
    if isinstance(default, bool | str):
        return type(value) is type(default)
    if isinstance(default, tuple):
        numbers = isinstance(value, list) and all(_is_number(entry) for entry in value)
        return numbers and len(value) == len(default)
    return _is_number(value)


def _is_number(value):
    return type(value) in (int, float) and abs(value) < LARGEST


def _parameters(kind):
    """Return the constructor's parameters by name; {} for a name without a class."""
    return inspect.signature(kind).parameters if kind else {}


def change(text, **options):
    """Return the text with options changed or added."""
    name, _, listed = text.partition(":")
    items = dict(item.split("=", 1) for item in _items(listed))
    items |= {option: json.dumps(value) for option, value in options.items()}
    return f"{name}:{','.join(f'{key}={value}' for key, value in items.items())}"


def _items(listed):
    """Split the options at commas outside lists: "betas=[0.9,0.99],eps=1e-6"."""
    return re.split(r",(?![^\[]*\])", listed) if listed else []


def _option(item, name):
    option, sign, value = item.partition("=")
    if not (option and sign and value):
        raise NpNNError(f"{name}: options are written as name=value, not {item!r}")
    try:
        return option, json.loads(value)
    except ValueError:
        return option, value
