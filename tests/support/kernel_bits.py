"""pytest plugin that records a hash of every call of a kernel.

    python -m pytest -p tests.support.kernel_bits --bits FILE tests/kernels/test_mlp.py

A line of FILE is one call: the kernel, a hash of its arguments, and a hash of its arguments after
the call and its result. Two runs of the same tests make the same calls, so the files of two
instruction sets, compilers or thread counts differ only if the kernels compute other bits. NaN has
many bit patterns, which depend on the processor: all count as equal.
"""

import functools
import hashlib

import numpy as np

from np_nn import ops
from tests.support.kernels import arrays


def pytest_addoption(parser):
    parser.addoption("--bits", metavar="FILE", help="write the bits of every call of a kernel")


def pytest_configure(config):
    name = config.getoption("--bits")
    if name:
        log = open(name, "w", encoding="utf-8")  # noqa: SIM115
        config.add_cleanup(log.close)
        for kernel, function in ops.KERNELS.items():
            ops.KERNELS[kernel] = _written_down(kernel, function, log)


def digest(*given):
    """Return a short hash of all arrays and numbers in nested tuples and lists."""
    total = hashlib.sha256()
    for array in arrays(given):
        if array.dtype.kind == "f" and np.isnan(array).any():
            array = np.where(np.isnan(array), np.array(np.nan, array.dtype), array)
        total.update(f"{array.dtype}{array.shape}".encode() + array.tobytes())
    return total.hexdigest()[:16]


def _written_down(name, function, log):
    @functools.wraps(function)
    def call(*arguments):
        before = digest(arguments)
        result = function(*arguments)
        print(name, before, digest(arguments, result), file=log)
        return result

    return call
