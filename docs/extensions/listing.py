"""The reference's lists of whole rooms: ``.. public:: np_nn.layers`` becomes all that is in there.

Each file of the room is one heading, and below it the classes and functions that the file defines
and the room exports; the bases of those classes stand first, as they do in the file.
"""

import importlib
import inspect
import re
import sys

import np_nn

LINE = re.compile(r"^\.\. public:: (\S+)$", re.M)


def expanded(text):
    """Return a page with the entries of each room or file that it asks for."""
    return LINE.sub(lambda match: "\n".join(_entries(importlib.import_module(match[1]))), text)


def _entries(room):
    """Yield the lines of a package or a module."""
    exported = {id(getattr(room, name)) for name in room.__all__}
    files = dict.fromkeys(getattr(room, name).__module__ for name in room.__all__)
    for file in sorted(files):
        module = sys.modules[file]
        if len(files) > 1:
            yield from ("", f".. rubric:: {inspect.getdoc(module).splitlines()[0]}", "")
        for value in _documented(module, exported):
            kind = "class" if inspect.isclass(value) else "function"
            yield f".. auto{kind}:: {_path(value)}"


def _documented(module, exported):
    """Return a module's exported functions and classes, and the bases of these classes."""
    own = [
        value
        for value in vars(module).values()
        if getattr(value, "__module__", "") == module.__name__
    ]
    bases = {
        id(base)
        for value in own
        if inspect.isclass(value) and id(value) in exported
        for base in value.__mro__
    }
    return [value for value in own if id(value) in exported | bases]


def _path(value):
    return (
        value.__name__
        if value.__name__ in np_nn.__all__
        else f"{value.__module__}.{value.__name__}"
    )


def expand(app, docname, source):
    source[0] = expanded(source[0])


def setup(app):
    app.connect("source-read", expand)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
