"""Checks of numbers given by users, and of states read from a file."""

import math

import numpy as np

from np_nn.utils.errors import NpNNError, shown

NUMBERS = (int, float, np.integer, np.floating)  # isinstance is slower with numbers.Real
LARGEST = 2**53  # maximum count that a kernel takes
WIDEST = 2**31 - 1  # maximum size of a layer: a product of two is an array's


def is_finite(value):
    """Return whether the value is a number, and a finite one."""
    try:
        return isinstance(value, NUMBERS) and math.isfinite(value)
    except OverflowError:  # an int that no float can hold
        return False


def is_amount(value):
    """Return whether the value is a finite number >= 0."""
    return is_finite(value) and value >= 0


def check_range(where, value, least=1, most=LARGEST):
    """Raise NpNNError unless ``least`` <= value <= ``most``. where: start of the message."""
    if not value >= least:  # also for NaN
        raise NpNNError(f"{where} must be at least {least}, got {value}")
    if value > most:
        raise NpNNError(f"{where} must be at most {most:,}, got {shown(value)}")


def check_alike(own, given, where):
    """Raise NpNNError unless ``given`` has the structure of ``own``: names, types and shapes.

    Both are trees of dicts, lists, numbers, text and arrays; only the values may differ. Numbers
    must be finite. where: description of the tree, for the message.
    """
    if isinstance(own, dict):
        check_keys(own, given, where)
        for name, value in own.items():
            check_alike(value, given[name], f"{where}: {name}")
    elif isinstance(own, list | tuple):
        _check(isinstance(given, list | tuple) and len(own) == len(given), where)
        for value, other in zip(own, given, strict=True):
            check_alike(value, other, where)
    elif isinstance(own, np.ndarray):
        check_array(given, own.dtype, own.shape, where)
    elif isinstance(own, float):
        check_number(given, where)
    else:
        _check(type(given) is type(own), where)


def check_keys(own, given, where):
    """Raise NpNNError unless ``given`` is a dict with the keys of ``own``."""
    _check(isinstance(given, dict) and own.keys() == given.keys(), where)


def check_rows(own, given, where):
    """Raise NpNNError unless ``given`` is a list whose entries have the structure of ``own``."""
    _check(isinstance(given, list), where)
    for row in given:
        check_alike(own, row, where)


def check_array(given, dtype, shape, where):
    """Raise NpNNError unless ``given`` is an array of this dtype and shape; None: any length."""
    _check(isinstance(given, np.ndarray) and given.dtype == dtype, where)
    fits = len(given.shape) == len(shape) and all(
        wanted in (None, found) for wanted, found in zip(shape, given.shape, strict=True)
    )
    _check(fits, where)


def check_number(given, where):
    """Raise NpNNError unless ``given`` is a finite number of magnitude below 1e300."""
    _check(type(given) in (int, float) and abs(given) < 1e300 and math.isfinite(given), where)


def check_count(given, where, most=LARGEST):
    """Raise NpNNError unless ``given`` is a whole number from 0 to `most`."""
    _check(type(given) is int and 0 <= given <= most, where)


def _check(fits, where):
    if not fits:
        raise NpNNError(f"the state does not fit this training: {where}")
