"""The operations that layers, losses and optimizers call: compiled or NumPy.

For every function of the package ``reference`` this module has one of the same name. It
is the compiled kernel if one is built and the arrays suit it, else the NumPy
function. Call them as ``ops.relu_forward(...)`` rather than importing the name,
so that ``use`` can switch them.
"""

import importlib
import inspect
import os
import pkgutil
import warnings
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from np_nn import reference
from np_nn.utils import machine
from np_nn.utils.errors import NpNNError, unknown_name

CHOICES = ("auto", "numpy", "compiled")
SUITED = "?bBhHiIlLqQf"  # NumPy's letters for the integers, and for float32

REFERENCE = {
    name: function
    for name, function in inspect.getmembers(reference, inspect.isfunction)
    if function.__module__.startswith(reference.__name__) and not name.startswith("_")
}


SETS = ("avx512", "avx2", "baseline")  # instruction sets
ISA = os.environ.get("NP_NN_ISA") or SETS[0]  # as the kernels read it when they are imported


def check_isa():
    """Raise NpNNError if NP_NN_ISA names no instruction set.

    ``import np_nn`` does not fail then, so that programs can say so in one line; every kernel
    does when it is called.
    """
    if ISA not in SETS:
        raise NpNNError(f"NP_NN_ISA: {unknown_name('instruction set', ISA, SETS)}")


def _find_kernels():
    """The kernels built beside this file: {name: function}, and their modules."""
    folder, found, modules = Path(__file__).with_name("_kernels"), {}, []
    for info in pkgutil.iter_modules([str(folder)]):
        module = importlib.import_module(f"np_nn._kernels.{info.name}")
        modules.append(module)
        if hasattr(module, "set_rows_type"):
            module.set_rows_type(reference.Rows)
        found.update({name: getattr(module, name) for name in REFERENCE if hasattr(module, name)})
    if ISA not in SETS:
        found = dict.fromkeys(found, lambda *arguments: check_isa())
    return found, modules


def _suits_kernel(argument):
    """Kernels read C-contiguous arrays, and floating-point ones as float32."""
    return not isinstance(argument, np.ndarray) or (
        argument.flags.c_contiguous and argument.dtype.char in SUITED
    )


def _with_fallback(kernel, function):
    def call(*arguments):
        if all(map(_suits_kernel, arguments)):
            return kernel(*arguments, threads)
        return function(*arguments)

    return call


KERNELS, _MODULES = _find_kernels()

threads = machine.threads()  # how many a kernel may use: its last argument


def use(kernels):
    """Choose what the operations run on, from now on.

    "numpy": the NumPy functions. "compiled": the built kernels, and NumPy for
    operations that have none. "auto": the same, and no error if none is built.

    Raises NpNNError for another word, and for "compiled" when nothing is built.
    """
    global active
    if kernels not in CHOICES:
        raise unknown_name("kernels setting", kernels, CHOICES)
    if kernels == "compiled" and not KERNELS:
        raise NpNNError(
            "no compiled kernel is built; build them with 'pip install -e .' or use --kernels numpy"
        )
    active = () if kernels == "numpy" else tuple(sorted(KERNELS))
    for name, function in REFERENCE.items():
        globals()[name] = _with_fallback(KERNELS[name], function) if name in active else function


def set_threads(count):
    """Let the kernels, and NumPy's matrix products, use so many threads from now on."""
    global threads
    threads = count
    machine.limit_threads(count)


@contextmanager
def at_most(count):
    """In a ``with`` block: let the kernels use so many threads."""
    global threads
    before, threads = threads, count
    try:
        yield
    finally:
        threads = before


def describe():
    """What runs now, for reports: "numpy", or the kernels' instruction set and threading."""
    if not active:
        return "numpy"
    check_isa()
    traits = sorted({module.isa() for module in _MODULES if hasattr(module, "isa")})
    if not all(module.openmp() for module in _MODULES if hasattr(module, "openmp")):
        traits.append("built without OpenMP: one thread")
    return f"compiled kernels ({', '.join(traits)})"


def _use_environment():
    """Start with what NP_NN_KERNELS says; a word that it cannot say is no reason not to start."""
    try:
        use(os.environ.get("NP_NN_KERNELS", "auto"))
    except NpNNError as error:
        warnings.warn(f"NP_NN_KERNELS: {error}", stacklevel=2)
        use("auto")


active = ()
_use_environment()
