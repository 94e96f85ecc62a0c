"""Objects by name, as recipes and the command line write them: "rmsprop:alpha=0.9,eps=1e-6".

A name in a table, then its constructor's arguments, if any. Numbers, [lists], true and false
are what they look like; anything else is text.
"""

import inspect
import json
import re

from np_nn.errors import NpNNError, unknown_name


def build(text, table, kind, *arguments, **more):
    """The object that the text names. table: {name: class}; kind: "optimizer", for messages.

    arguments, more: further ones for the constructor. Raises NpNNError for an unknown name or
    option, and whatever the constructor raises.
    """
    name, options = parse(text, table, kind)
    return table[name](*arguments, **more, **options)


def parse(text, table, kind):
    """(name, {option: value}) of the text.

    Raises NpNNError for a name that is not in the table and an option that its class has not.
    """
    name, _, listed = str(text).partition(":")
    if name not in table:
        raise unknown_name(kind, name, table)
    options = dict(_option(item, name) for item in _items(listed))
    known = list(inspect.signature(table[name]).parameters) if table[name] else []
    for option in options:
        if option not in known:
            raise unknown_name(f"option of {name}", option, known)
    return name, options


def change(text, **options):
    """The text with options changed or added."""
    name, _, listed = text.partition(":")
    items = dict(item.split("=", 1) for item in _items(listed))
    items |= {option: json.dumps(value) for option, value in options.items()}
    return f"{name}:{','.join(f'{key}={value}' for key, value in items.items())}"


def _items(listed):
    """The options, cut at commas but not inside a list: "betas=[0.9,0.99],eps=1e-6"."""
    return re.split(r",(?![^\[]*\])", listed) if listed else []


def _option(item, name):
    option, sign, value = item.partition("=")
    if not (option and sign and value):
        raise NpNNError(f"{name}: options are written as name=value, not {item!r}")
    try:
        return option, json.loads(value)
    except ValueError:
        return option, value
