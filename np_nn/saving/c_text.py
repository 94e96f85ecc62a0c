"""C source text for names, strings, comments and arrays of numbers."""

import re
import textwrap
from pathlib import Path

import numpy as np

COLUMNS = 98  # characters of a line
# Positions where a comment needs a space: within comment delimiters and trigraphs.
FORBIDDEN = re.compile(r"(?<=\*)(?=/)|(?<=/)(?=\*)|(?<=\?)(?=\?)")


def prefix(path):
    """Return the prefix of the names of a file's functions: digit for My/Digit.c."""
    name = re.sub("[^0-9a-z]+", "_", Path(path).stem.lower()).strip("_")
    return name if name[:1].isalpha() else f"model_{name}".rstrip("_")


def comment(text):
    """Return text as one line of a comment, in printable ASCII."""
    text = "".join(c if c.isprintable() else " " for c in str(text))
    return FORBIDDEN.sub(" ", text.encode("ascii", "backslashreplace").decode())


def comments(text):
    """Return text as comment lines of at most COLUMNS characters, with their markers."""
    return [comment(line) for line in textwrap.wrap(str(text), COLUMNS - 10)]


def string(text):
    r"""Return a C string of the text's UTF-8 bytes.

    >>> string('a"\u00e9')
    '"a\\042\\303\\251"'
    """
    plain = set(range(32, 127)) - set(b'"\\?')  # ? can begin a trigraph
    encoded = str(text).encode("utf-8", "replace").rstrip(b"\0").replace(b"\0", b" ")
    return '"' + "".join(chr(b) if b in plain else f"\\{b:03o}" for b in encoded) + '"'


def c_float(number):
    """Return a number as the shortest constant of its float32 value."""
    return f"{np.float32(number)!s}f"


def numbers(array, kind="float"):
    """Return an array's numbers as lines of C text, in C order. kind: float, double or int8."""
    array = np.ravel(array)
    if kind == "int8":
        words = [str(n) for n in array.astype(np.int8).tolist()]
    elif kind == "double":
        words = [repr(n) for n in array.astype(np.float64).tolist()]
    else:
        words = [f"{n}f" for n in array.astype(np.float32).astype(str).tolist()]
    each = COLUMNS // (max(map(len, words)) + 2)
    rows = (words[start : start + each] for start in range(0, len(words), each))
    return ",\n".join("    " + ", ".join(row) for row in rows)
