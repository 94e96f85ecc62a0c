"""Reader of the IDX format, with or without gzip, that checks the header before it allocates."""

import gzip
import io
import os
import stat
import struct
import zlib
from math import prod

from np_nn.utils.errors import DataError

GZIP_SLACK = 1 << 16  # bytes by which a .gz of incompressible data may exceed its content
MAX_BYTES = 1 << 28  # maximum size of a file of unknown shape


def read_idx(path, shape=None, max_bytes=MAX_BYTES):
    """Return the array of an IDX file of unsigned bytes, packed with gzip or not.

    The array is uint8, C-contiguous and read-only. If `shape` is given, another shape is an error.
    Unpacks at most the bytes that `shape` needs, or `max_bytes` without a shape.
    Raises DataError if the file is unreadable, or not exactly one complete IDX array.
    """
    limit = size_of(shape) if shape else max_bytes
    return parse(unpack(read_bytes(path, limit), path, limit), path, shape)


def read_bytes(path, limit):
    """Return a file's bytes; reads at most GZIP_SLACK + 1 more than `limit`, its unpacked size."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # opening a FIFO would block
            raise OSError(f"expected a file, found a folder or a device: {str(path)!r}")
        with open(path, "rb") as file:
            return file.read(limit + GZIP_SLACK + 1)
    except (OSError, ValueError) as error:
        raise DataError(f"cannot read data: {error}") from error


def unpack(stored, where, limit):
    """Return `stored` unpacked; it may lack gzip, which browsers and servers remove unasked."""
    content = stored
    if stored.startswith(b"\x1f\x8b"):
        try:  # one byte more, to detect a larger content and to reach the CRC
            content = gzip.GzipFile(fileobj=io.BytesIO(stored)).read(limit + 1)
        except (EOFError, OSError, zlib.error) as error:
            raise DataError(f"{where}: truncated or damaged gzip data: {error}") from error
    if len(content) > limit:
        raise DataError(f"{where}: expected at most {limit} bytes, found more")
    return content


def parse(content, where, shape=None):
    """Parse IDX after checking its header, because idx2numpy allocates what the header claims."""
    import idx2numpy

    rank = content[3] if len(content) > 3 and content.startswith(b"\0\0\x08") else 0
    if not 1 <= rank <= 4 or len(content) < 4 + 4 * rank:
        begin = content[:20].hex(" ") or "nothing"
        raise DataError(f"{where}: expected IDX (00 00 08, rank 1 to 4, sizes), found {begin}")
    found = struct.unpack_from(f">{rank}I", content, 4)
    if found != tuple(shape or found) or 0 in found:
        raise DataError(f"{where}: expected shape {shape or 'without 0'}, found {found}")
    size, n = size_of(found), len(content)
    if n != size:
        what = "truncated" if n < size else "too long"
        raise DataError(f"{where}: {what}: expected {size} bytes, found {n}")
    return idx2numpy.convert_from_string(content)


def size_of(shape):
    """Return the size in bytes of an IDX file of uint8 of this shape."""
    return 4 + 4 * len(shape) + prod(shape)
