"""Kernel of one built extension, checked against its reference before it is timed."""

import copy
import importlib.util
import inspect
from pathlib import Path

import numpy as np
from builds import newest

from contenders import problem
from contenders.kernel_cases import CASES, Inputs
from np_nn import ops, reference

TOLERANCE = 1e-4  # maximum error relative to an array's largest number; the tests are stricter
ODD = 1e-3  # maximum fraction of integers that differ: rounded values, or which of two is larger


class WrongResultError(Exception):
    """Difference between a kernel's result and its reference's."""


class Tasks:
    """Tasks of one extension. variant: its path, less its suffix if it is still being built."""

    def __init__(self, threads, variant):
        ops.set_threads(threads)
        self.threads, self.path = threads, variant
        problem.dataset("mnist")  # load it while the extension is being built

    def kernel(self, case):
        name, inputs = case.split()[0], Inputs()
        path = Path(self.path)
        extension = load(path if path.suffix else newest(path))
        kernel, arguments = getattr(extension, name), (*CASES[case](inputs), self.threads)
        check(name, kernel, arguments)
        return problem.repeated(lambda: kernel(*arguments))


def load(path):
    """Return the extension in a file, even if np_nn has imported one of that name."""
    name = Path(path).name.partition(".")[0]
    spec = importlib.util.spec_from_file_location(name, path)
    extension = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(extension)
    if hasattr(extension, "set_rows_type"):
        extension.set_rows_type(reference.Rows)
    return extension


def check(name, kernel, arguments):
    """Raise WrongResultError unless a kernel leaves the same in all arrays as its reference.

    arguments: the kernel's, with the number of threads last; they are copied.
    """
    parameters = inspect.signature(ops.REFERENCE[name]).parameters
    ours, theirs = copy.deepcopy(arguments), copy.deepcopy(arguments[:-1])
    got, want = kernel(*ours), ops.REFERENCE[name](*theirs)
    compared = zip([*parameters, "its result"], [*ours[:-1], got], [*theirs, want], strict=True)
    for parameter, one, other in compared:
        if parameter != "scratch" and not all(map(agree, arrays(one), arrays(other))):
            raise WrongResultError(f"{parameter} of {name} differs from the reference")


def arrays(given):
    """Return every array and number in nested tuples and lists, in order."""
    if isinstance(given, tuple | list):
        return [array for item in given for array in arrays(item)]
    return [np.asarray(given)] if isinstance(given, np.ndarray | float) else []


def agree(got, want):
    """Return whether two arrays are equal up to rounding."""
    if got.dtype != want.dtype or got.shape != want.shape:
        return False
    if want.dtype.kind != "f":
        return np.count_nonzero(got != want) <= ODD * want.size
    scale = np.abs(want).max(initial=0.1, where=np.isfinite(want))
    return np.allclose(got, want, rtol=0, atol=TOLERANCE * scale, equal_nan=True)
