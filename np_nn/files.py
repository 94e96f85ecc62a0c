"""Writing files so that nothing is lost: the whole new file, or the earlier one."""

import os
import tempfile
from pathlib import Path

from np_nn.errors import NpNNError


def write_file(path, content):
    """Replace a file by these bytes in one move, so that no reader ever sees half of it.

    Raises NpNNError if the disk is full or the folder not writable; what was
    there before is then still there, and nothing else is left behind.
    """
    path = Path(path)
    try:
        if path.exists() and not path.is_file():  # a device or a pipe: nothing to replace
            path.write_bytes(content)
        else:
            _replace(path, content)
    except OSError as error:
        raise NpNNError(f"cannot write {path}: {error.strerror or error}") from error


def _replace(path, content):
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_bytes(content)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def check_writable(folder):
    """Create a folder if need be, and find out before long work that files can be put there.

    Raises NpNNError if not.
    """
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise NpNNError(f"cannot write to the folder {folder}: {error.strerror}") from error


def check_file(path):
    """Find out before long work that a file of this name can be written, or raise NpNNError."""
    path = Path(path)
    if path.is_dir():
        raise NpNNError(f"cannot write {path}: it is a folder")
    if path.is_file() or not path.exists():
        check_writable(path.parent)
