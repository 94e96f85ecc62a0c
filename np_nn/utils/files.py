"""Writing files so that nothing is lost: the whole new file, or the earlier one."""

import glob
import os
import secrets
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from np_nn.utils.errors import NpNNError

PART = ".part"  # how the name of a file ends that is still being written
NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)  # Windows' newlines
STALE_SECONDS = 3600  # no file takes that long to write: its writer was killed


def write_file(path, content, keep=1):
    """Replace a file by these bytes in one move, so that no reader ever sees half; return its path.

    When it returns, the file outlasts a power cut. keep: how many versions there are to be, path
    and the earlier ones, path.1 ... path.(keep - 1), the oldest last.

    Raises NpNNError if the disk is full or the folder not writable; what was
    there before is then still there, and nothing else is left behind.
    """
    path = Path(path)
    try:
        if path.exists() and not path.is_file():  # a device or a pipe: nothing to replace
            path.write_bytes(content)
        else:
            _replace(path, content, keep)
    except OSError as error:
        raise NpNNError(f"cannot write {path}: {error.strerror or error}") from error
    return path


def _replace(path, content, keep):
    _remove_stale(path)
    new = _part(path)
    try:
        _write(new, content)
        _keep_versions(path, keep)
        os.replace(new, path)
        _sync_folder(path.parent)
    finally:
        new.unlink(missing_ok=True)


def _part(path):
    """A name of its own for each writing: two runs may write the same file."""
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}{PART}")


def _write(path, content):
    """Create a file, and return when the disk has it."""
    descriptor = os.open(path, NEW, 0o666)
    try:
        left = memoryview(content)
        while left:
            left = left[os.write(descriptor, left) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def version(path, number):
    """The name of an earlier version of a file: number 1 is the one before it."""
    return path.with_name(f"{path.name}.{number}") if number else path


def _keep_versions(path, keep):
    """Rename the earlier versions, and give the last one a second name: it stays in place."""
    for number in range(keep - 1, 0, -1):
        newer = version(path, number - 1)
        if not newer.is_file():
            continue
        if number > 1:
            os.replace(newer, version(path, number))
        else:
            _copy(newer, version(path, number))


def _copy(path, to):
    """In one move, like all else here; without the bytes where the disk knows hard links."""
    part = _part(to)
    try:
        try:
            os.link(path, part)
        except OSError:
            shutil.copyfile(path, part)
        os.replace(part, to)
    finally:
        part.unlink(missing_ok=True)


def _sync_folder(folder):
    """The new name outlasts a power cut, too. Windows knows no such call, and needs none."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_stale(path):
    """Remove what killed runs have left half written."""
    for part in path.parent.glob(f".{glob.escape(path.name)}*{PART}"):
        with suppress(FileNotFoundError):
            if time.time() - part.stat().st_mtime > STALE_SECONDS:
                part.unlink()


def read_file(path, most):
    """The bytes of a file. Raises NpNNError if there is none, or if it has more than ``most``."""
    path = Path(path)
    try:
        if not path.is_file():
            raise NpNNError(f"{path} is {'no file' if path.exists() else 'not there'}")
        if path.stat().st_size > most:
            raise NpNNError(f"{path} is larger than {most:,} bytes")
        return path.read_bytes()
    except OSError as error:
        raise NpNNError(f"cannot read {path}: {error.strerror or error}") from error


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
