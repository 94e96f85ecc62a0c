"""Atomic writing of files: a reader finds the whole new file or the earlier one."""

import glob
import os
import secrets
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from np_nn.utils.errors import NpNNError

PART = ".part"  # suffix of a file that is still being written
OPEN = os.O_WRONLY | os.O_CREAT | getattr(os, "O_BINARY", 0)  # O_BINARY: Windows' newlines
NEW = OPEN | os.O_EXCL
STALE_SECONDS = 3600  # no file takes this long to write: an older part's writer was killed


def write_file(path, content, keep=1):
    """Replace a file atomically by `content`, so that no reader sees a part; return its path.

    When it returns, the file survives a power failure. keep: number of versions to keep, path
    and the earlier ones, path.1 ... path.(keep - 1), the oldest last.

    Raises NpNNError if the disk is full or the folder not writable; the earlier file is then
    unchanged, and no part of the new one is left behind.
    """
    path = Path(path)
    try:
        if path.exists() and not path.is_file():  # a device or a pipe cannot be replaced
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
    """Return a unique temporary name: two runs may write the same file."""
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}{PART}")


def write_at(path, offset, content):
    """Write bytes into a file, created if needed, from `offset` on; return when they are on disk.

    Not atomic: the caller records elsewhere which bytes are complete. Raises NpNNError if the
    disk is full or the file not writable.
    """
    try:
        _write(path, content, OPEN, offset)
    except OSError as error:
        raise NpNNError(f"cannot write {path}: {error.strerror or error}") from error


def _write(path, content, flags=NEW, offset=0):
    """Write a file, which is created, from `offset` on, and return when it is on disk."""
    descriptor = os.open(path, flags, 0o666)
    try:
        os.lseek(descriptor, offset, os.SEEK_SET)
        left = memoryview(content)
        while left:
            left = left[os.write(descriptor, left) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def version(path, number):
    """Return the path of an earlier version of a file: number 1 is the latest, 0 the file."""
    return path.with_name(f"{path.name}.{number}") if number else path


def _keep_versions(path, keep):
    """Rename the earlier versions, and link or copy the file to version 1: it stays in place."""
    for number in range(keep - 1, 0, -1):
        newer = version(path, number - 1)
        if not newer.is_file():
            continue
        if number > 1:
            os.replace(newer, version(path, number))
        else:
            _copy(newer, version(path, number))


def _copy(path, to):
    """Copy a file atomically, by a hard link where the file system has them."""
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
    """Make the new name survive a power failure. Windows has no such call, and needs none."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_stale(path):
    """Remove partial files left by killed runs."""
    for part in path.parent.glob(f".{glob.escape(path.name)}*{PART}"):
        with suppress(FileNotFoundError):
            if time.time() - part.stat().st_mtime > STALE_SECONDS:
                part.unlink()


def read_file(path, most):
    """Return the bytes of a file. Raises NpNNError if it is missing or exceeds ``most`` bytes."""
    path = Path(path)
    try:
        if not path.is_file():
            raise NpNNError(f"{path} is {'not a regular file' if path.exists() else 'not there'}")
        if path.stat().st_size > most:
            raise NpNNError(f"{path} is larger than {most:,} bytes")
        return path.read_bytes()
    except OSError as error:
        raise NpNNError(f"cannot read {path}: {error.strerror or error}") from error


def check_writable(folder):
    """Create a folder if needed, and check before long work that files can be written there.

    Raises NpNNError if not.
    """
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise NpNNError(f"cannot write to the folder {folder}: {error.strerror}") from error


def check_file(path):
    """Check before long work that a file of this name can be written, or raise NpNNError."""
    path = Path(path)
    if path.is_dir():
        raise NpNNError(f"cannot write {path}: it is a folder")
    if path.is_file() or not path.exists():
        check_writable(path.parent)
