"""Exceptions that np_nn raises for input it cannot use.

Each message is one line: what is wrong, and what to do about it. The command
line prints that line and exits with status 2.
"""

import difflib

LONGEST = 300  # maximum length, in characters, of a value shown in a message


class NpNNError(ValueError):
    """Invalid input: an option, a shape or a file that np_nn cannot use."""


class DataError(NpNNError):
    """Data set that is missing, unreadable, damaged, or not the one it claims to be."""


class DivergedError(NpNNError):
    """Divergence of a training: its loss is no longer a finite number."""


def one_line(message):
    """Return a message as one line of printable characters: others are escaped."""
    text = str(message)
    return text if text.isprintable() else repr(text)[1:-1]


def shown(value):
    r"""Return a value for a message: at most LONGEST characters, control characters escaped.

    >>> shown("a" + chr(10))
    "'a\\n'"
    """
    text = str(value)
    text = text if text.isprintable() else repr(text)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} ..."


def called(function):
    """Return the name of a function, or of the class of another callable object."""
    return getattr(function, "__qualname__", type(function).__name__)


def wrong_return(argument, function, wanted, got):
    """Return an error for a user's function that returned an unsuitable value.

    argument: name of the argument that holds the function. wanted: description of a suitable
    value. got: the returned value, or its description.
    """
    if hasattr(got, "dtype"):
        got = f"{got.dtype} of shape {got.shape}"
    found = got if isinstance(got, str) else shown(repr(got))
    return NpNNError(f"{argument}: {called(function)} must return {wanted}, got {found}")


def unknown_name(kind, name, known):
    """Return an error for a name that is not one of ``known``; it suggests the nearest.

    >>> unknown_name("recipe", "np_n", ["geohot", "np_nn"])
    NpNNError("unknown recipe 'np_n'; did you mean 'np_nn'? (one of geohot, np_nn)")
    """
    return NpNNError(f"unknown {kind} {name!r}{nearest(name, known)} (one of {', '.join(known)})")


def nearest(name, known):
    """Return a question for the one of ``known`` that is nearest to a name; "" without one."""
    found = difflib.get_close_matches(str(name).lower(), known, n=1, cutoff=0.4)
    return f"; did you mean {found[0]!r}?" if found else ""
