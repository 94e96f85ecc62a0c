"""Files of arrays and plain values, protected by a SHA-256 of their content.

The format is safetensors: reading it runs no code, and other programs can read the arrays. All
other values are sorted JSON under one metadata key, so that the bytes are reproducible.
"""

import hashlib
import json

import numpy as np

from np_nn.utils import files
from np_nn.utils.errors import NpNNError, shown

FORMAT = 1  # version of the layout; a later np_nn may write a higher, incompatible one
KEY = "np_nn"  # metadata key of the JSON
UNSIGNED = "0" * 64  # placeholder for the file's SHA-256 while that is computed
ARRAY = "$array"  # {"$array": name} stands for an array in the JSON

# NumPy's types of safetensors' names. bfloat16 is the upper half of a float32.
DTYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "BOOL": "?",
    "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1",
    "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "u1",
}  # fmt: skip
MOST_BYTES = 2**32
MOST_HEADER = 2**24
MOST_DEPTH = 20


def write(path, tree, keep=1):
    """Write a tree of dicts, lists, numbers, text and arrays; see ``files.write_file``.

    An array's name in the file is its path in the tree: "model.0.weight". Raises NpNNError if the
    file cannot be written.
    """
    files.write_file(path, pack(tree), keep)


def read(path):
    """Return the tree that ``write`` stored in a file.

    Raises NpNNError if the file is missing, damaged, of a later version, or not written by np_nn.
    """
    content = files.read_file(path, MOST_BYTES)
    try:
        return unpack(content)
    except NpNNError as error:
        raise NpNNError(f"{path} {error}") from error


def pack(tree, arrays=None):
    """Return the bytes of a file. arrays: {name: array} to store besides those in the tree."""
    from safetensors.numpy import save

    arrays = {name: _contiguous(array) for name, array in (arrays or {}).items()}
    about = {"format": FORMAT, "sha256": UNSIGNED, "tree": _without_arrays(tree, (), arrays)}
    content = save(arrays, {KEY: json.dumps(about, sort_keys=True)})
    return content.replace(UNSIGNED.encode(), hashlib.sha256(content).hexdigest().encode(), 1)


def unpack(content):
    """Return the tree in a file's bytes. Raises NpNNError, whose message lacks the file's name."""
    about = _about(content)
    _check_format(about)
    _check_sum(content, about)
    return _with_arrays(about["tree"], arrays(content))


def is_ours(content):
    """Return whether ``write`` wrote these bytes, even if they were damaged since."""
    try:
        _about(content)
    except NpNNError:
        return False
    return True


def _without_arrays(tree, way, arrays):
    """Return the tree for JSON; its arrays are moved into the dict `arrays`."""
    if isinstance(tree, dict):
        return {name: _without_arrays(value, (*way, name), arrays) for name, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [_without_arrays(value, (*way, str(i)), arrays) for i, value in enumerate(tree)]
    if not isinstance(tree, np.ndarray):
        return tree
    name = ".".join(way)
    arrays[name] = _contiguous(tree)
    return {ARRAY: name}


def _contiguous(array):
    """Return the array C-contiguous: safetensors writes other layouts wrongly."""
    return np.ascontiguousarray(array).reshape(array.shape)  # a scalar's shape became (1,)


def _with_arrays(tree, arrays, depth=0):
    if depth > MOST_DEPTH:
        raise NpNNError("is damaged: its parts are nested too deeply")
    if isinstance(tree, list):
        return [_with_arrays(value, arrays, depth + 1) for value in tree]
    if not isinstance(tree, dict):
        return tree
    if tree.keys() == {ARRAY}:
        name = tree[ARRAY]
        if not isinstance(name, str) or name not in arrays:
            raise NpNNError("is damaged: an array is missing")
        return arrays[name]
    return {name: _with_arrays(value, arrays, depth + 1) for name, value in tree.items()}


def _about(content):
    """Return np_nn's part of the metadata: 8 bytes hold the length of the JSON header."""
    length = int.from_bytes(content[:8], "little")
    try:
        if len(content) < 8 + length or length > MOST_HEADER:
            raise ValueError
        about = json.loads(json.loads(content[8 : 8 + length])["__metadata__"][KEY])
        if not isinstance(about, dict):
            raise TypeError
    except (ValueError, KeyError, TypeError, RecursionError):
        raise NpNNError("is damaged, or was not written by np_nn") from None
    return about


def _check_format(about):
    number = about.get("format")
    if type(number) is not int or number < 1:
        raise NpNNError("is damaged: it has no format number")
    if number > FORMAT:
        raise NpNNError(
            f"is of a later np_nn (format {number}; this one reads up to {FORMAT}): update np_nn"
        )


def _check_sum(content, about):
    found = about.get("sha256")
    if not isinstance(found, str) or len(found) != len(UNSIGNED) or "tree" not in about:
        raise NpNNError("is damaged: it has no SHA-256")
    unsigned = content.replace(found.encode(), UNSIGNED.encode(), 1)
    if hashlib.sha256(unsigned).hexdigest() != found:
        raise NpNNError("is damaged: its SHA-256 is not that of what was written")


def arrays(content):
    """Return {name: array} of any safetensors file; bfloat16 is widened to float32.

    Raises NpNNError as ``unpack`` does, and for a type that NumPy lacks.
    """
    from safetensors import SafetensorError, deserialize

    try:
        return {name: _array(name, entry) for name, entry in deserialize(content)}
    except SafetensorError as error:
        raise NpNNError(f"is damaged: {' '.join(str(error).split())}") from None


def _array(name, entry):
    kind = entry["dtype"]
    if kind not in DTYPES:
        raise NpNNError(f"holds {shown(name)} as {kind}, which NumPy lacks: save it as F32 or BF16")
    array = np.frombuffer(entry["data"], DTYPES[kind]).reshape(entry["shape"])
    return (array.astype("<u4") << 16).view("<f4") if kind == "BF16" else array
