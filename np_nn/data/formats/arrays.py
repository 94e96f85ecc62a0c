"""Reader of NumPy's files: .npz with an array per role, and .npy with one array each."""

import io
import math
import re
from pathlib import Path

import numpy as np

from np_nn.data.formats.content import check_size, member, members, read
from np_nn.data.formats.found import Found, Part, assign, part_of
from np_nn.utils.errors import DataError, shown

SAMPLES = {
    "x", "xs", "image", "images", "img", "imgs", "data", "features", "inputs", "samples", "arr0",
}  # fmt: skip
TARGETS = {"y", "ys", "label", "labels", "target", "targets", "class", "classes", "arr1"}
MOST_BYTES = 2**32  # maximum size of an array


def read_npz(path, options):
    """Return the Found of an .npz file. Raises DataError for damage, or unknown array names."""
    archive, infos = members(path)
    with archive:
        named = {
            name.removesuffix(".npy"): (lambda info=info: member(archive, info))
            for name, info in infos.items()
        }
        return _found(path, named, (Path(path),), options)


def read_npy(paths, options):
    """Return the Found of .npy files, one for each role, such as x.npy and y.npy."""
    named = {Path(path).stem: (lambda path=path: read(path)) for path in paths}
    return _found(Path(paths[0]).parent, named, tuple(map(Path, paths)), options)


def _found(path, named, files, options):
    """Return the Found of {name: function that returns the bytes of an array}."""
    pairs = {}
    for name in named:
        pairs.setdefault(part_of(name) or "", {}).setdefault(_role(name, options.label), name)
    pairs = {part: roles for part, roles in pairs.items() if {"x", "y"} <= roles.keys()}
    parts, remarks = assign(pairs)
    if not parts:
        have = ", ".join(shown(name) for name in named) or "none"
        raise DataError(
            f"{path}: arrays called x_train, y_train, x_test and y_test are needed, or x and y; "
            f"it has {have}"
        )
    found = {}
    for part, roles in parts.items():
        samples, labels = (_array(named[roles[r]](), f"{path}: {shown(roles[r])}") for r in "xy")
        found[part] = Part(samples, labels)
    return Found(found, files=files, remarks=remarks)


def _role(name, label=None):
    """Return the role that an array's name implies: "x" (samples), "y" (labels) or None."""
    if label is not None:
        return "y" if name == label or label in re.split("[^a-zA-Z0-9]+", name) else "x"
    words = set(re.split("[^a-z0-9]+", name.lower().replace("arr_", "arr")))
    return "x" if words & SAMPLES else "y" if words & TARGETS else None


def _array(content, name):
    """Return the array in the bytes of an .npy file, after checking its header."""
    stream = io.BytesIO(content)
    try:
        version = np.lib.format.read_magic(stream)
        read_header = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, fortran, dtype = read_header(stream)
    except Exception as error:  # the header is Python text, which NumPy parses
        raise DataError(
            f"{name}: not a NumPy array: {shown(' '.join(str(error).split()))}"
        ) from None
    if dtype.kind not in "biufUS":
        what = "Python objects, which may run code" if dtype.hasobject else str(dtype)
        raise DataError(f"{name} holds {shown(what)}: numbers or text are needed")
    size = math.prod(shape) * dtype.itemsize
    check_size(name, size, MOST_BYTES)
    left = len(content) - stream.tell()
    if not size or min(shape, default=1) < 0:
        raise DataError(f"{name}: the array is empty: shape {shown(shape)}")
    if left != size:
        raise DataError(f"{name}: {size:,} bytes by its header, but it has {left:,}")
    array = np.frombuffer(content, dtype, offset=stream.tell())
    return array.reshape(shape, order="F" if fortran else "C")


def is_array(name):
    """Return whether a file's name ends in .npy."""
    return str(name).lower().endswith(".npy")


def candidates(paths):
    """Return the .npy files among `paths` whose names imply samples or labels."""
    return [path for path in paths if is_array(path) and _role(path.stem)]
