"""Reader of IDX files of images and labels, named as in MNIST's successors."""

import gzip
import io
import re
import struct
import zlib
from math import prod
from pathlib import Path

import numpy as np

from np_nn.data import idx
from np_nn.data.formats import content
from np_nn.data.formats.found import TRANSPOSED, Found, Part, assign, part_of
from np_nn.utils.errors import DataError, shown

NAME = re.compile(r"(?P<before>.*)(?P<role>images?|labels?)[-._]?idx[1-4][-._].*", re.I)
MAPPING = re.compile(r"(\d+)[ \t]+(\d+)")  # line of EMNIST's mapping: label, code of its letter
MOST_BYTES = 2**31  # maximum size of an array
INTEGERS = 12  # IDX's code of the type of 32-bit integers


def pairs(names):
    """Return {prefix of a name before "images": {"images": name, "labels": name}}.

    names: paths or names of a zip's members; an unpacked file takes precedence over a packed one.
    """
    found = {}
    for name in sorted(map(str, names), key=lambda name: (name.lower().endswith(".gz"), name)):
        if match := NAME.fullmatch(Path(name).name):
            role = "images" if match["role"].lower().startswith("image") else "labels"
            found.setdefault(match["before"].lower(), {}).setdefault(role, name)
    return {before: pair for before, pair in found.items() if len(pair) == 2}


def read_files(paths, options, given=None):
    """Return the Found of IDX files in a folder. given: a file that selects its set."""
    mapping = {path.name: path.read_bytes for path in paths if path.name.endswith("mapping.txt")}
    where = Path(given or paths[0]).parent
    return _found(where, pairs(paths), _read, mapping, given, options)


def read_zip(path, options):
    """Return the Found of IDX files in a zip, such as EMNIST's or Kaggle's."""
    archive, infos = content.members(path)
    with archive:

        def read(name):
            return idx_array(content.member(archive, infos[name]), f"{path}: {shown(name)}")

        mapping = {
            Path(name).name: lambda info=info: content.member(archive, info)
            for name, info in infos.items()
            if name.endswith("mapping.txt")
        }
        found = _found(path, pairs(infos), read, mapping, None, options)
    found.files = (Path(path),)
    return found


def _read(path):
    return idx_array(content.read(path), path)


def _found(where, pairs, read, mapping, given, options):
    """Return the Found of {prefix: pair of names}; `read` returns the array of a name."""
    sets = {}
    for before, pair in pairs.items():
        sets.setdefault(_set_of(before), {})[before] = pair
    if given is not None:
        name = Path(given).name
        match = NAME.fullmatch(name)
        own = _set_of(match["before"].lower()) if match else None
        if own not in sets:
            raise DataError(f"{given}: no file with its {_partner(name)} beside it")
        sets = {own: sets[own]}
    if options.label in sets:
        sets = {options.label: sets[options.label]}
    if len(sets) > 1:
        raise DataError(
            f"{where}: several data sets ({', '.join(sorted(sets))}): choose one by --label "
            f"{min(sets)} (label={min(sets)!r}), or give one of its files"
        )
    ((name, named),) = sets.items()
    parts, remarks = assign(named)
    if not parts:
        raise DataError(f"{where}: which of {', '.join(named)} are the training and the test set?")
    transposed = name.startswith("emnist")
    found, files = {}, []
    for part, pair in parts.items():
        images, labels = read(pair["images"]), read(pair["labels"])
        if images.ndim == 3 and transposed:
            images = np.ascontiguousarray(images.transpose(0, 2, 1))
        if labels.ndim == 2:  # QMNIST's: the first column is the class
            labels = labels[:, 0]
        files += pair.values()
        found[part] = Part(images, labels)
    if transposed:
        remarks.append(TRANSPOSED)
    names = _names(next((read for key, read in mapping.items() if key.startswith(name)), None))
    return Found(found, names=names, files=tuple(map(Path, files)), remarks=remarks)


def _set_of(before):
    """Return the name of a set without the word for its part, such as "emnist-letters" or ""."""
    words = [word for word in re.split(r"[-._]+", before) if word and part_of(word) is None]
    return "-".join(words)


def _partner(name):
    return "labels" if "image" in name.lower() else "images"


def _names(read):
    """Return {label: letter} of EMNIST's mapping; {} without one."""
    if read is None:
        return {}
    text = read().decode("ascii", "replace")
    return {int(label): chr(int(code)) for label, code in MAPPING.findall(text) if int(code) < 128}


def idx_array(stored, name):
    """Return the array, bytes or 32-bit integers, of an IDX file's bytes, with or without gzip.

    Raises DataError for other content, and for an array of more than MOST_BYTES.
    """
    head = _head(stored, name)
    rank = head[3] if len(head) > 3 else 0
    if head[:2] != b"\0\0" or not 1 <= rank <= 4 or len(head) < 4 + 4 * rank:
        return idx.parse(head, name)  # raises
    shape = struct.unpack_from(f">{rank}I", head, 4)
    width = 4 if head[2] == INTEGERS else 1
    limit = 4 + 4 * rank + prod(shape) * width
    content.check_size(name, limit, MOST_BYTES)
    packed = stored[:2] == b"\x1f\x8b"
    plain = content.gunzip(stored, name, limit) if packed else stored
    if head[2] != INTEGERS:
        return idx.parse(plain, name, shape)
    if len(plain) != limit or 0 in shape:
        raise DataError(f"{name}: expected {limit:,} bytes, found {len(plain):,}")
    return np.frombuffer(plain, ">i4", offset=4 + 4 * rank).reshape(shape)


def _head(stored, name):
    """Return the first 20 bytes of a file's content, unpacked if it is gzip."""
    if stored[:2] != b"\x1f\x8b":
        return stored[:20]
    try:
        return gzip.GzipFile(fileobj=io.BytesIO(stored)).read(20)
    except (EOFError, OSError, zlib.error) as error:
        raise DataError(f"{name}: truncated or damaged gzip data: {error}") from error


def is_idx(path):
    """Return whether a file is named as an IDX file."""
    return NAME.fullmatch(Path(path).name) is not None
