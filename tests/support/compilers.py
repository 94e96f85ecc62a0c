"""The kernels' C code without Python, for any compiler and machine."""

import importlib.util
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
KERNELS = ROOT / "kernels"
# The header of each family that includes all others; its .pyx declares functions from it.
HEADER = re.compile(r'^cdef extern from "((?!common)[^"]+)"', re.M)
FAMILIES = {
    path.stem: HEADER.search(path.read_text("utf-8"))[1] for path in sorted(KERNELS.glob("*/*.pyx"))
}


def source(family):
    """Return a C file with all loops of a family; its only function references their table."""
    return (
        f'#include "{FAMILIES[family]}"\n'
        "const void *nn_used(void);\n"
        "const void *nn_used(void)\n{\n    nn_select_isa();\n    return nn_active;\n}\n"
    )


def compiled(family, compiler, *options):
    """Run a compiler, given as words, on a family as setup.py does; return its output.

    Raises subprocess.CalledProcessError, with its messages, if it fails.
    """
    command = [*compiler, *_flags(), f"-I{KERNELS}", *options, "-x", "c", "-"]
    return subprocess.run(
        command, input=source(family), capture_output=True, text=True, check=True, cwd=ROOT
    )


def _flags():
    spec = importlib.util.spec_from_file_location("setup", ROOT / "setup.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.OPTIMIZE
