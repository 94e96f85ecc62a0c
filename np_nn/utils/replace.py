"""Functions that stand in for others of the same name and arguments."""

import functools
import inspect
from types import FunctionType, ModuleType

from np_nn.utils.arguments import given as described
from np_nn.utils.errors import NpNNError, nearest


def contains(function, part):
    """Return whether a function is or calls another, or calls all that the other calls."""
    called, inner = callees(function), callees(part) - {part.__name__}
    return part.__name__ in called or (bool(inner) and inner <= called - {function.__name__})


@functools.cache
def callees(function):
    """Return the public names of the functions that a function calls, and its own.

    Functions in a dictionary that it reads count as called.
    """
    found, rest = set(), [function]
    while rest:
        one = rest.pop()
        if isinstance(one, dict):
            rest += one.values()
        elif isinstance(one, tuple):
            rest += one
        elif inspect.isfunction(one) and one not in found:
            found.add(one)
            inner = filter(inspect.iscode, one.__code__.co_consts)  # comprehensions, until 3.12
            names = {name for code in (one.__code__, *inner) for name in code.co_names}
            rest += [one.__globals__.get(name) for name in names]
    return {one.__name__ for one in found if not one.__name__.startswith("_")}


def rebound(function, values):
    """Return a copy of a function that reads the global names in values, {name: value}, there."""
    scope = function.__globals__ | values
    return FunctionType(function.__code__, scope, function.__name__, function.__defaults__)


def replacements(given, known, threads):
    """Return {name: function} of the functions that replace some of `known`; None for an end.

    Args:
        given: mapping {name: function or None}, or a module with functions of these names.
        known: {name: function with the parameters to match}.
        threads: function () -> value of a further, last parameter `threads`, as kernels have.

    Raises:
        NpNNError: for an unknown name, for other parameters, and for a module without functions.
    """
    if isinstance(given, ModuleType):
        own = {name: vars(given).get(name) for name in known}
        own = {name: one for name, one in own.items() if one and not _is_ours(one, known[name])}
        if not own:
            raise NpNNError(f"{given.__name__} defines no operation: np_nn.reference lists them")
    else:
        own = given
    found = {}
    for name, function in own.items():
        if name not in known:
            hint = nearest(name, known)
            raise NpNNError(f"unknown operation {name!r}{hint}; np_nn.reference lists them all")
        extra = function is not None and check_parameters(name, function, known[name])
        found[name] = _with(function, threads) if extra else function
    return found


def _is_ours(function, reference):
    """Return whether a module only imported the operation."""
    return reference in (function, getattr(function, "__wrapped__", None))


def _with(function, threads):
    return lambda *arguments: function(*arguments, threads())


def check_parameters(name, function, wanted):
    """Raise NpNNError unless a function has the parameters of `wanted`, perhaps and `threads`.

    Returns whether it has `threads`. A compiled function need not tell its parameters.
    """
    if not callable(function):
        raise NpNNError(f"{name} must be a function, got {described(function)}")
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return False
    names = [one.name for one in found if one.kind < one.VAR_POSITIONAL]
    expected = list(inspect.signature(wanted).parameters)
    fits = any(one.kind is one.VAR_POSITIONAL for one in found)
    if not fits and names not in (expected, [*expected, "threads"]):
        got = f"a function of ({', '.join(names)})"
        raise NpNNError(f"{name} must take ({', '.join(expected)}), got {got}")
    return names == [*expected, "threads"]
