"""The name of the program, for its usage, its errors and its reports."""

import sys
from pathlib import Path


def program_name():
    """Return how this program was called: main_np.py, np-nn train, python -m np_nn.reproduce."""
    file, spec = Path(sys.argv[0]).name, getattr(sys.modules["__main__"], "__spec__", None)
    if spec and file.endswith(".py"):
        return f"python -m {spec.name.removesuffix('.__main__')}"
    return file


def command_line(words):
    """Return the words of the command that calls this program with `words` as its arguments."""
    called = program_name()
    return [*(["python", called] if called.endswith(".py") else called.split()), *words]
