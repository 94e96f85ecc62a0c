"""Layout of a stored set: a folder of plain arrays, described by stored.json.

Each part, train and test, has PART-labels.bin, int64, and its samples: images of few non-zero
pixels as compressed rows, see ``reference.Rows``, in PART-indptr.bin, int64, PART-columns.bin,
uint16, and PART-values.bin, uint8; others as they are in PART-images.bin. Samples are written in
shards, whose sizes and SHA-256 the description lists.
"""

import hashlib
import json
import math
import sys
from contextlib import suppress
from typing import NamedTuple

import numpy as np

from np_nn import ops
from np_nn.utils import files
from np_nn.utils.errors import DataError, NpNNError, shown

COMPLETE, UNFINISHED, CHECKED = "stored.json", "storing.json", "checked.json"
FORMAT = {"format": "np_nn stored set", "version": 1, "byte order": sys.byteorder}
AGAIN = "delete the folder, and store the set again"
MOST_BYTES = 2**28  # maximum size of a description


class Shard(NamedTuple):
    """Entry of a shard in the description: numbers of samples and of entries, SHA-256 (hex)."""

    samples: int
    entries: int
    digest: str

    @classmethod
    def of(cls, arrays):
        """Return the entry for the arrays of a shard, see `encode`."""
        total = hashlib.sha256()
        for name, array in arrays.items():
            total.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
            total.update(as_bytes(array))
        return cls(len(arrays["labels"]), len(arrays.get("columns", ())), total.hexdigest())


def encode(samples, labels, compressed):
    """Return {name: array} of some samples as the files hold them; indptr begins with 0."""
    if not compressed:
        return {"labels": labels, "images": samples}
    rows = ops.compress(samples.reshape(len(samples), -1))
    return {
        "labels": labels, "indptr": rows.indptr, "columns": rows.columns, "values": rows.values
    }  # fmt: skip


def counts(part):
    """Return the numbers of samples and of entries of a part's description."""
    return tuple(sum(shard[axis] for shard in part["shards"]) for axis in (0, 1))


def shapes(part):
    """Return {name: (dtype, shape)} of the arrays of a part's description."""
    samples, entries = counts(part)
    found = {"labels": (np.int64, (samples,))}
    if not part["compressed"]:
        return found | {"images": (np.dtype(part["dtype"]), (samples, *part["shape"]))}
    return found | {
        "indptr": (np.int64, (samples + 1,)),
        "columns": (np.uint16, (entries,)),
        "values": (np.uint8, (entries,)),
    }


def sizes(part):
    """Return {name: bytes} of the arrays of a part's description."""
    found = shapes(part).items()
    return {name: np.dtype(dtype).itemsize * math.prod(shape) for name, (dtype, shape) in found}


def path(folder, part, name):
    """Return the path of an array of a part."""
    return folder / f"{part}-{name}.bin"


def as_bytes(array):
    """Return an array as bytes (k,) uint8, without a copy if it is contiguous."""
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8)


def is_there(folder):
    """Return whether a folder is a stored set, complete or not."""
    return any((folder / name).is_file() for name in (COMPLETE, UNFINISHED))


def digest(description):
    """Return the SHA-256 (hex) of a description, without its own digest."""
    facts = {name: value for name, value in description.items() if name != "digest"}
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def write_description(folder, name, description):
    """Write a description with its digest."""
    content = json.dumps({**description, "digest": digest(description)}, sort_keys=True)
    files.write_file(folder / name, content.encode())


def read_description(folder, name):
    """Return a description. Raises DataError if it is missing, damaged or of another version."""
    where, found = folder / name, None
    try:
        content = files.read_file(where, MOST_BYTES)
    except NpNNError as error:
        raise DataError(str(error)) from None
    with suppress(ValueError, RecursionError):
        found = json.loads(content)
    if not isinstance(found, dict) or found.get("format") != FORMAT["format"]:
        raise DataError(f"{where}: damaged, not the description of a stored set: {AGAIN}")
    for fact, own in FORMAT.items():
        if found.get(fact) != own:
            raise DataError(
                f"{where}: a stored set of {fact} {shown(found.get(fact))}, which this np_nn does "
                f"not read (it reads {own}): {AGAIN}"
            )
    if found.get("digest") != digest(found):
        raise DataError(f"{where}: damaged, its digest is wrong: {AGAIN}")
    return found
