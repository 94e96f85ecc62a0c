"""Lines of names in source files: pages link to files and names, and the build adds lines."""

import ast
import re

FILE = r"\.(?:py|pyx|pxi|h)"
LINK = re.compile(rf"\[`(?P<name>(?![\w.]+{FILE}`)[\w.]+)`\]\((?P<path>[^)\s#:]+{FILE})\)")


def line_of(name, path):
    """Return the line where a file defines a name, counted from 1, or None.

    name: a function, a class or a constant; in Python also Class.method. path: a pathlib.Path of a
    Python, Cython or C file.
    """
    if not path.is_file():
        return None
    text = path.read_text("utf-8")
    return _line_in_python(name, text) if path.suffix == ".py" else _line_in_c(name, text)


def _line_in_python(name, text):
    node = ast.parse(text)
    for part in name.split("."):
        inside = [child for child in getattr(node, "body", ()) if part in _names(child)]
        node = inside[-1] if inside else None
    return node and node.lineno


def _names(node):
    """Return the names that a statement defines."""
    if isinstance(node, ast.Assign):
        return [target.id for target in node.targets if isinstance(target, ast.Name)]
    return [getattr(node, "name", None)]


def _line_in_c(name, text):
    """Return the number of the first line of C or Cython that defines the name, or None."""
    pattern = re.compile(rf"^(?![\s*/#]).*\b{re.escape(name)}\b|^#define {re.escape(name)}\b")
    lines = enumerate(text.splitlines(), 1)
    return next((number for number, line in lines if pattern.search(line)), None)
