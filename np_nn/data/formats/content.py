"""Contents of data files, unpacked from gzip and zip up to a maximum size."""

import gzip
import io
import os
import stat
import zipfile
import zlib
from pathlib import Path

from np_nn.utils.errors import DataError, shown

MOST_BYTES = 2**32  # maximum size of a file, and of its unpacked content
CHUNK = 2**24  # bytes unpacked at a time
DAMAGED = (EOFError, OSError, ValueError, zlib.error, zipfile.BadZipFile)  # errors of reading


def read_plain(path, most=MOST_BYTES):
    """Return the bytes of a file, unpacked if it is gzip.

    Raises DataError for a file that cannot be read, and for more than `most` bytes.
    """
    content = read(path, most)
    return gunzip(content, path, most) if content[:2] == b"\x1f\x8b" else content


def read(path, most=MOST_BYTES):
    """Return a regular file's bytes. Raises DataError for others, and above `most` bytes."""
    try:
        state = os.stat(path)
        if not stat.S_ISREG(state.st_mode):  # opening a FIFO would block
            raise DataError(f"{path}: not a regular file")
        check_size(path, state.st_size, most)
        content = Path(path).read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error
    if not content:
        raise DataError(f"{path}: empty file")
    return content


def gunzip(content, name, most=MOST_BYTES):
    """Return the unpacked bytes of gzip data. Raises DataError for damage, or too many bytes."""
    parts, size = [], 0
    try:
        packed = gzip.GzipFile(fileobj=io.BytesIO(content))
        while part := packed.read(CHUNK):  # read(most) would allocate `most` bytes at once
            size += len(part)
            check_size(name, size, most)
            parts.append(part)
    except (EOFError, OSError, zlib.error) as error:
        raise DataError(f"{name}: truncated or damaged gzip data: {error}") from error
    return b"".join(parts)


def members(path):
    """Return (zip file, {name: ZipInfo}) of a zip. Raises DataError unless it can be read."""
    try:
        archive = zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise DataError(f"{path}: not a zip that can be read: {error}") from error
    size = os.path.getsize(path)
    infos = {info.filename: info for info in archive.infolist() if _is_meant(info.filename)}
    for info in infos.values():
        if info.compress_size > size:
            archive.close()
            raise DataError(f"{path}: damaged: {shown(info.filename)} is larger than the zip")
    return archive, infos


def _is_meant(name):
    """Return whether a zip's member is a file, neither hidden nor added by macOS."""
    hidden = Path(name).name.startswith(".") or name.startswith("__MACOSX")
    return name != "" and not name.endswith("/") and not hidden


def member(archive, info, most=MOST_BYTES):
    """Return the bytes of a zip's member. Raises DataError if they are damaged."""
    name = f"{archive.filename}: {shown(info.filename)}"
    check_size(name, info.file_size, most)
    try:
        return archive.read(info)
    except (*DAMAGED, NotImplementedError, RuntimeError) as error:  # RuntimeError: a password
        raise DataError(f"{name}: {shown(error) or 'damaged'}") from error


def check_size(name, found, most):
    """Raise DataError for more than `most` bytes."""
    if found > most:
        raise DataError(f"{name}: more than {most:,} bytes")
