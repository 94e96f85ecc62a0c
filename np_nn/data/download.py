"""Download of a data set from its mirrors."""

import io
import os
import sys
from pathlib import Path

from np_nn.data import idx, verify
from np_nn.data.sources import DATASETS
from np_nn.utils.errors import DataError, NpNNError, unknown_name
from np_nn.utils.files import check_writable, write_file
from np_nn.utils.optional import silently

TIMEOUT = (5, 10)  # seconds to connect, seconds without a byte
CHUNK = 1 << 16  # bytes


class UnavailableError(DataError):
    """Data set that is not damaged, but can be neither found nor downloaded."""


def fetch(name, root, *, mirrors=None, timeout=TIMEOUT, quiet=False):
    """Download the missing files of data set `name` into the folder `root`.

    Each is verified before it appears under its name, unpacked as torchvision needs it. No part of
    a file is left behind.

    Args:
        name: key of DATASETS.
        root: folder, which is created if needed; files go to the places that torchvision expects.
        mirrors: addresses to try in order; None: those of the data set.
        timeout: (seconds to connect, seconds without a byte).
        quiet: hide the progress bar.

    Raises:
        DataError: if an existing file is damaged, no mirror serves a missing one, or it cannot be
            stored.
        NpNNError: for an unknown name.
    """
    if name not in DATASETS:
        raise unknown_name("data set", name, DATASETS)
    source = DATASETS[name]
    root = Path(os.path.expanduser(root))
    folder = root / source.folder / "raw"
    place = described(root)
    missing = verify.missing(folder, source)
    for file in source.files:
        if file not in missing:
            verify.read_file(
                verify.find(folder, file), file
            )  # report damage before a lack of network
    mirrors = list(mirrors or source.mirrors)
    try:
        for file in missing:
            good = _fetch_file(file, folder, mirrors, timeout, quiet)
            mirrors.sort(key=lambda mirror: mirror != good)  # wait once for one that hangs
    except NpNNError as error:
        reason = f"{source.title} could not be downloaded to {place}: {error}"
        raise UnavailableError(f"{reason}; {advice(missing, folder)}") from error


def _fetch_file(file, folder, mirrors, timeout, quiet):
    """Store `file` from the first mirror with a valid copy, and return that mirror."""
    check_writable(folder)
    mirror, stored, content = _first_good(file, mirrors, timeout, quiet)
    if file.of_gz:  # kept, since only the .gz can be verified later
        write_file(folder / f"{file.name}.gz", stored)
    write_file(folder / file.name, content)
    return mirror


def _first_good(file, mirrors, timeout, quiet):
    """Return the first mirror with a valid copy of `file`, the bytes it sent, and the content."""
    failures = []
    for mirror in mirrors:
        url = f"{mirror.rstrip('/')}/{file.name}.gz"
        try:
            stored = _download(url, idx.size_of(file.shape) + idx.GZIP_SLACK, timeout, quiet)
            return mirror, stored, verify.decode(stored, "download", file)[0]
        except (OSError, ValueError) as error:  # bases of requests' errors and ours
            failures.append(f"{mirror} ({_short(error)})")
    raise DataError(f"{file.name} from {', '.join(failures)}")


def _download(url, limit, timeout, quiet):
    body = _BoundedBuffer(limit)
    downloader = silently("pooch").HTTPDownloader(
        progressbar=not quiet and sys.stderr.isatty(),
        chunk_size=CHUNK,
        timeout=timeout,
        headers={"Accept-Encoding": "identity"},  # else requests might unpack the file
    )
    downloader(url, body, None)
    return body.getvalue()


class _BoundedBuffer(io.BytesIO):
    """Buffer of at most `limit` bytes, which an endless download cannot exceed."""

    def __init__(self, limit):
        super().__init__()
        self.limit = limit

    def write(self, chunk):
        if self.tell() + len(chunk) > self.limit:
            raise DataError(f"more than {self.limit} bytes")
        return super().write(chunk)


def _short(error):
    """Return a short text for an error of requests, whose own is a paragraph."""
    response = getattr(error, "response", None)
    if response is not None:
        return f"HTTP {response.status_code}"
    if "timed out" in str(error):
        return "timed out"
    words = {"ChunkedEncodingError": "truncated", "ConnectionError": "could not connect"}
    kinds = (kind.__name__ for kind in type(error).__mro__)
    return next((words[kind] for kind in kinds if kind in words), str(error))


def described(root):
    """Return a folder for a message, which says if it does not exist."""
    return str(root) if os.path.exists(root) else f"{root} (which does not exist)"


def advice(files, folder):
    """Return the advice to put files into a folder, for a message."""
    names = ", ".join(file.name for file in files)
    return f"put {names} (each may end in .gz) into {folder}"
