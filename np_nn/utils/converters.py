"""Converters: functions that check a word of the command line or a Python value and convert it.

Each is a ``type=`` of argparse and raises ConversionError, whose one line says what is needed.
``metavar`` names the value in --help, and ``names()`` lists the names of a table.
"""

import argparse
import math
import os
from pathlib import Path

import numpy as np

from np_nn.utils import spec
from np_nn.utils.errors import NpNNError, shown, unknown_name

MOST_SIDE = 4096  # maximum height and width, in pixels, to which images are resized
MOST_COUNT = 10**9  # maximum of a whole number; arrays of larger sizes have no place in memory
MOST_NUMBER = float(np.finfo(np.float32).max)  # maximum magnitude of other numbers


class ConversionError(NpNNError, argparse.ArgumentTypeError):
    """Refusal of a value by a converter; argparse shows the message with the option's name."""


def _refused(wanted, value):
    return ConversionError(f"{wanted} is needed, not {shown(repr(value))}")


def _converter(metavar, names=tuple):
    """Return a decorator that gives a converter its metavar and its names."""

    def decorate(convert):
        convert.metavar, convert.names = metavar, names
        return convert

    return decorate


def one_of(kind, table):
    """Return a converter that accepts a name of a table; its error suggests the nearest name.

    table: a container of names, or a function that returns one, if names are added later.
    """
    names = table if callable(table) else lambda: table

    @_converter("NAME", names)
    def convert(word):
        name = str(word)
        if name not in names():
            raise ConversionError(unknown_name(kind, name, names()))
        return name

    return convert


def name_or_path(kind, names):
    """Return a converter to a name in `names()`, else to the absolute path of a file or folder.

    A name takes precedence over a file or folder of that name; a Path is never a name.
    """

    @_converter("NAME|PATH", names)
    def convert(word):
        if isinstance(word, str) and word in names():
            return word
        path = os.path.expanduser(str(word))
        if not _exists(path):
            unknown = unknown_name(kind, str(word), names())
            raise ConversionError(f"{unknown}, and there is no such file or folder")
        return os.path.abspath(path)

    return convert


def _exists(path):
    try:
        return os.path.exists(path)
    except ValueError:  # a NUL
        return False


def named(kind, table):
    """Return a converter that accepts a name of a table, with options as in sgd:momentum=0.9."""

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
    """Return a converter that accepts "" or names joined by +, with options as for ``named``."""
    part = named(kind, table)

    @_converter("NAME[+NAME]", lambda: table)
    def convert(word):
        text = str(word)
        return "+".join(map(part, text.split("+"))) if text else ""

    return convert


@_converter("FILE")
def file_path(value):
    """Convert a path; pathlib would read "" as the current folder."""
    if not str(value):
        raise _refused("a path", value)
    return Path(value)


def whole_number(least):
    """Return a converter to a whole number from `least` to MOST_COUNT."""

    @_converter("N")
    def convert(value):
        try:
            number = int(str(value))  # int(1.5) would truncate
        except ValueError:
            number = None
        if number is None or number < least:
            raise _refused(f"a whole number >= {least}", value)
        if number > MOST_COUNT:
            raise _refused(f"a whole number <= {MOST_COUNT:,}", value)
        return number

    return convert


def _number(wanted, fits, *words):
    """Return a converter to a finite number that `fits`, or to one of `words`.

    wanted: description of what is accepted.
    """

    @_converter("X")
    def convert(value):
        if str(value) in words:
            return str(value)
        try:
            number = _as_float(value)
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if not (math.isfinite(number) and fits(number)):
            raise _refused(wanted, value)
        if abs(number) > MOST_NUMBER:
            raise _refused(f"a number from {-MOST_NUMBER:.1e} to {MOST_NUMBER:.1e}", value)
        return number

    return convert


def _as_float(value):
    """Convert text or a number. Raises TypeError for others that float() takes: True, an array."""
    if isinstance(value, bool | np.bool_) or np.ndim(value):
        raise TypeError
    return float(value)


real = _number("a finite number", lambda number: True)
number = _number("a number >= 0", lambda number: number >= 0)
share = _number("a number from 0 to 1", lambda number: 0 <= number <= 1)
positive = _number("a number > 0", lambda number: number > 0)


def number_or(word):
    """Return a converter to a number >= 0 or `word`."""
    return _number(f"a number >= 0 or {word}", lambda number: number >= 0, word)


@_converter("HxW")
def image_size(value):
    """Convert a height and a width as text, "28x20"; one number stands for both."""
    words = str(value).lower().split("x")
    try:
        sizes = [int(word) for word in words]
    except ValueError:
        sizes = []
    if len(sizes) not in (1, 2) or not all(0 < size <= MOST_SIDE for size in sizes):
        raise _refused(f"a height and a width as in 28x28, each at most {MOST_SIDE},", value)
    return f"{sizes[0]}x{sizes[-1]}"


@_converter("")
def switch(value):
    """Convert True or False. The command line uses argparse's BooleanOptionalAction."""
    if not isinstance(value, bool | np.bool_):
        raise _refused("True or False", value)
    return bool(value)
