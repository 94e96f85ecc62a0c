"""Lessons in C: compiled by the compiler that is there, and loaded."""

import ctypes
import os
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path

from np_nn.utils.errors import NpNNError

COMPILERS = "cc", "gcc", "clang"
NATIVE = ["-march=native"] * (platform.machine() in ("x86_64", "AMD64"))  # Apple's Arm has none
FLAGS = "-std=c99", "-O3", *NATIVE, "-shared", "-fPIC"


def load(path, bind):
    """Return bind(library) of a C file, compiled.

    Raises NpNNError without a compiler, with the compiler's first error, and without the function.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        library = ctypes.CDLL(str(_compile(path, Path(folder, "lesson.so"))))
    try:
        return bind(library)
    except AttributeError as error:
        raise NpNNError(f"define the function, and not as static: {error}") from None


def _compile(path, library):
    compilers = map(shutil.which, (os.environ.get("CC", ""), *COMPILERS))
    compiler = next(filter(None, compilers), None)
    if not compiler:
        raise NpNNError(
            "there is no C compiler, and this lesson needs one: install gcc or clang, or set CC; "
            "lessons 1 to 9 need none"
        )
    command = [compiler, *FLAGS, path, "-o", library]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if "error" in line]
        raise NpNNError((errors or ["it does not compile"])[0].removeprefix(f"{path}:"))
    return library
