"""Converters: a word of the command line, or a value of Python, checked and of its own type.

Each is a type of argparse and raises ConversionError, whose one line says what is needed.
``metavar`` is what --help calls the value, and ``names()`` lists what a table knows.
"""

import argparse
import math

import numpy as np

from np_nn.utils import spec
from np_nn.utils.errors import NpNNError, shown, unknown_name


class ConversionError(NpNNError, argparse.ArgumentTypeError):
    """A value that a converter refuses; argparse shows the message with the option's name."""


def _refused(wanted, value):
    return ConversionError(f"{wanted} is needed, not {shown(repr(value))}")


def _converter(metavar, names=tuple):
    """Return a decorator that gives a converter its metavar and its names."""

    def decorate(convert):
        convert.metavar, convert.names = metavar, names
        return convert

    return decorate


def one_of(kind, table):
    """A converter: one of the names of a table, else an error that gives the nearest.

    table: a container of names, or a function that returns one, if names may come later.
    """
    names = table if callable(table) else lambda: table

    @_converter("NAME", names)
    def convert(word):
        name = str(word)
        if name not in names():
            raise ConversionError(unknown_name(kind, name, names()))
        return name

    return convert


def named(kind, table):
    """A converter: a name of a table, with options as in sgd:momentum=0.9."""

    @_converter("NAME", lambda: table)
    def convert(word):
        text = str(word)
        try:
            spec.parse(text, table, kind)
        except NpNNError as error:
            raise ConversionError(error) from None
        return text

    return convert


def joined(kind, table):
    """A converter: names of a table, each with options as for ``named``, joined by +; or ""."""
    part = named(kind, table)

    @_converter("NAME[+NAME]", lambda: table)
    def convert(word):
        text = str(word)
        return "+".join(map(part, text.split("+"))) if text else ""

    return convert


def whole_number(least):
    """A converter: a whole number not below the least."""

    @_converter("N")
    def convert(value):
        try:
            number = int(str(value))  # int(1.5) would cut it
        except ValueError:
            number = None
        if number is None or number < least:
            raise _refused(f"a whole number >= {least}", value)
        return number

    return convert


def _number(wanted, fits):
    """Return a converter: a finite number that fits. wanted: which ones do, in words."""

    @_converter("X")
    def convert(value):
        try:
            number = float(value)
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if not (math.isfinite(number) and fits(number)):
            raise _refused(wanted, value)
        return number

    return convert


real = _number("a finite number", lambda number: True)
number = _number("a number >= 0", lambda number: number >= 0)
share = _number("a number from 0 to 1", lambda number: 0 <= number <= 1)
positive = _number("a number > 0", lambda number: number > 0)


def number_or(word):
    """A converter: a number not below 0, or this word."""

    @_converter("X")
    def convert(value):
        return word if str(value) == word else number(value)

    return convert


@_converter("")
def switch(value):
    """A converter: True or False. On the command line it is argparse's BooleanOptionalAction."""
    if not isinstance(value, bool | np.bool_):
        raise _refused("True or False", value)
    return bool(value)
