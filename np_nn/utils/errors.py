"""The errors that np_nn raises for input it cannot use.

Each message is one line: what is wrong, and what to do about it. The command
line prints that line and exits with status 2.
"""

import difflib

LONGEST = 300  # of what a message shows, in characters


class NpNNError(ValueError):
    """Bad input: an option, a shape or a file that np_nn cannot work with."""


class DataError(NpNNError):
    """A data set is missing, unreadable, damaged, or not the one it claims to be."""


class DivergedError(NpNNError):
    """Training was stopped because the loss is no longer a finite number."""


def shown(value):
    """What a file holds, for a message: short, and without line ends or orders to a terminal.

    >>> shown("a" + chr(10))
    "'a\\\\n'"
    """
    text = str(value)
    text = text if text.isprintable() else repr(text)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} ..."


def called(function):
    """The name of a function, or of the class of an object that is called like one."""
    return getattr(function, "__qualname__", type(function).__name__)


def wrong_return(argument, function, wanted, got):
    """An error for a function of the user's that returned something else than it has to.

    argument: under which the function was given. wanted: what fits, in words. got: what it
    returned, or that in words.
    """
    if hasattr(got, "dtype"):
        got = f"{got.dtype} of shape {got.shape}"
    found = got if isinstance(got, str) else shown(repr(got))
    return NpNNError(f"{argument}: {called(function)} must return {wanted}, got {found}")


def unknown_name(kind, name, known):
    """An error for a name that is not one of ``known``, with the nearest that is.

    >>> unknown_name("recipe", "np_n", ["geohot", "np_nn"])
    NpNNError("unknown recipe 'np_n'; did you mean 'np_nn'? (one of geohot, np_nn)")
    """
    nearest = difflib.get_close_matches(str(name).lower(), known, n=1, cutoff=0.4)
    hint = f"; did you mean {nearest[0]!r}?" if nearest else ""
    return NpNNError(f"unknown {kind} {name!r}{hint} (one of {', '.join(known)})")
