"""Types of arguments: a word of the command line becomes a value, or is refused in one line."""

import argparse
import math

from np_nn.utils import spec
from np_nn.utils.errors import NpNNError, unknown_name


def one_of(kind, known):
    """An argument type: one of these names, else an error that gives the nearest."""

    def convert(word):
        if word not in known:
            raise argparse.ArgumentTypeError(str(unknown_name(kind, word, known)))
        return word

    return convert


def whole_number(least):
    """An argument type: a whole number not below the least."""

    def convert(word):
        try:
            number = int(word)
        except ValueError:
            number = None
        if number is None or number < least:
            raise argparse.ArgumentTypeError(f"a whole number >= {least} is needed, not {word!r}")
        return number

    return convert


def number(word):
    """An argument type: a finite number not below 0."""
    try:
        value = float(word)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"a number >= 0 is needed, not {word!r}")
    return value


def share(word):
    """An argument type: a number from 0 to 1."""
    value = number(word)
    if value > 1:
        raise argparse.ArgumentTypeError(f"a number from 0 to 1 is needed, not {word!r}")
    return value


def positive(word):
    """An argument type: a finite number above 0."""
    value = number(word)
    if not value:
        raise argparse.ArgumentTypeError(f"a number > 0 is needed, not {word!r}")
    return value


def number_or(word):
    """An argument type: a number not below 0, or this word."""
    return lambda given: given if given == word else number(given)


def named(kind, table):
    """An argument type: a name of a table, with options as in sgd:momentum=0.9."""

    def convert(word):
        try:
            spec.parse(word, table, kind)
        except NpNNError as error:
            raise argparse.ArgumentTypeError(str(error)) from None
        return word

    return convert


def joined(kind, table):
    """An argument type: names of a table, each with options as for ``named``, joined by +."""
    part = named(kind, table)
    return lambda text: "+".join(map(part, text.split("+")))
