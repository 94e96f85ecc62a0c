"""State of the compiled kernels: which are built and in use, or the reason why none are."""

import os
import shutil
import sysconfig
from pathlib import Path

from np_nn import ops

FOLDER = Path(ops.__file__).with_name("_kernels")
ENDINGS = (".so", ".pyd")  # of compiled modules


def families():
    """Return the names of the families of kernels that are built and can be imported."""
    return [module.__name__.rpartition(".")[2] for module in ops.MODULES]


def instruction_set():
    """Return the instruction set of the kernels, one of ops.SETS; None without kernels."""
    sets = {module.isa() for module in ops.MODULES if hasattr(module, "isa")}
    return min(sets, key=ops.SETS.index, default=None)


def cpu_sets():
    """Return the CPU's instruction sets among ops.SETS, best first; () without kernels."""
    return next((module.cpu_sets() for module in ops.MODULES if hasattr(module, "cpu_sets")), ())


def why_not():
    """Return why NumPy runs in place of the compiled kernels, and the remedy; "" if it does not."""
    if ops.active:
        return ""
    if ops.KERNELS:
        return "NP_NN_KERNELS=numpy turns them off: unset it, or set it to auto"
    others = [path.name for path in FOLDER.glob("*") if path.suffix in ENDINGS]
    again = _reinstall()
    if others:
        return f"built for another Python ({sorted(others)[0]}): {again} with this one"
    if os.name == "nt":
        return f"not built, as Windows builds them only on request: {again} with NP_NN_STRICT=1 set"
    compiler = _compiler()
    if not compiler:
        return f"not built, and there is no C compiler: install gcc or clang, then {again}"
    return (
        f"not built, although there is a C compiler ({compiler}): {again} with NP_NN_STRICT=1 "
        "set, which shows what fails"
    )


def _reinstall():
    """Return the instruction to reinstall np_nn: from its folder, or bypassing pip's cache."""
    if FOLDER.parents[1].joinpath("setup.py").is_file():
        return f"run 'pip install -e .' in {FOLDER.parents[1]}"
    return "install np_nn again by 'pip install --force-reinstall --no-cache-dir'"


def _compiler():
    """Return the path of the C compiler that a build would use, or None."""
    given = os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc"
    return shutil.which(given.split()[0]) or next(
        filter(None, map(shutil.which, ("cc", "cl"))), None
    )
