"""Comparison of a reader's function with its reference: the first wrong element and its formula."""

import copy
import inspect

import numpy as np

from np_nn.utils.arguments import given
from np_nn.utils.errors import NpNNError

RELATIVE, OF_LARGEST = 1e-4, 1e-5  # tolerances: of an element, and of the array's largest


def compare(lesson, name, mine, arguments, guarded):
    """Raise NpNNError if a function differs from the lesson's reference.

    Args:
        lesson: Lesson.
        name: name of the function.
        mine: the reader's function.
        arguments: of the call; they stay unchanged.
        guarded: function (call) -> result, which turns the reader's exceptions into NpNNError.
    """
    reference = lesson.reference(name)
    names = list(inspect.signature(reference).parameters)
    wanted, got = copy.deepcopy(arguments), copy.deepcopy(arguments)
    try:
        with np.errstate(all="ignore"):
            result, own = reference(*wanted), guarded(lambda: mine(*got))
        for place, *arrays in _arrays(names, arguments, wanted, got):
            _compare_array(lesson, name, place, *arrays)
        _compare_result(lesson, name, result, own, [*zip(names, wanted, got, strict=True)])
    except NpNNError as error:
        shapes = ", ".join(f"{n} {a.shape}" for n, a, *_ in _arrays(names, arguments, wanted, got))
        raise NpNNError(f"{error} [{name} of {shapes}]") from error.__cause__


def _arrays(names, *tuples):
    """Yield the name of each array among the arguments, and the array in each of the tuples."""
    for name, *values in zip(names, *tuples, strict=True):
        if hasattr(values[0], "_fields"):
            yield from _arrays([f"{name}.{field}" for field in values[0]._fields], *values)
        elif isinstance(values[0], np.ndarray) and name != "scratch":
            yield name, *values


def _compare_array(lesson, function, name, before, wanted, got):
    """Compare an array before the call, after the reference's and after the reader's."""
    is_input, untouched = (np.array_equal(before, a, equal_nan=True) for a in (wanted, got))
    if is_input and untouched:
        return
    largest = np.abs(wanted).max(initial=0, where=np.isfinite(wanted))
    limits = (0, 0) if is_input else (RELATIVE, OF_LARGEST * largest)
    wrong = np.argwhere(~np.isclose(got, wanted, *limits, equal_nan=True))
    if not len(wrong):
        return
    index = tuple(map(int, wrong[0]))
    place = f"{name}[{', '.join(map(str, index))}]"
    if is_input:
        was, now = before[index], got[index]
        raise NpNNError(f"{place} is an input: it was {was:.4g} and is now {now:.4g}; leave it")
    said = f"{place} is {got[index]:.4g}, wanted {wanted[index]:.4g}"
    formula = lesson.formula(function, name, index)
    hint = f"; {name} is as before the call: write into it, {name}[...] = ..." if untouched else ""
    raise NpNNError(f"{said}: {formula}{hint}")


def _compare_result(lesson, function, wanted, got, arguments):
    """Compare the results, an argument, a number or None. arguments: [(name, wanted, got)]."""
    if isinstance(wanted, np.ndarray):
        name, _, out = next(each for each in arguments if each[1] is wanted)
        if got is not out:
            raise NpNNError(f"return {name} itself, not {given(got)}")
    elif wanted is not None:
        if not isinstance(got, float | np.floating):
            raise NpNNError(f"return the loss, a float, not {given(got)}")
        if not np.isclose(got, wanted, RELATIVE):
            formula = lesson.formula(function, "loss")
            raise NpNNError(f"the loss is {got:.4g}, wanted {wanted:.4g}: {formula}")
