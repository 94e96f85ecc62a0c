"""np_nn's docstrings are plain text. This makes them the reST that autodoc expects.

A paragraph stays one, with nothing in it that reST would take for markup; what is indented is a
formula or code, and stays as it is. Sentences that explain an argument, "steps: how many", become
a list. ``Names`` in double backquotes are code, those of the public API links.
"""

import inspect
import re
import textwrap

import np_nn

CODE = re.compile(r"(``.+?``)", re.S)
MARKUP = re.compile(r"([\\*`|_])")
NAMES = re.compile(r"(?:^|(?<=[.;)] ))((?:\w+, )*\w+): ", re.M)


def as_rest(text, arguments=()):
    """reST of a docstring without its indentation. arguments: names that it may explain."""
    blocks = re.split(r"\n\s*\n", text)
    return "\n\n".join(_block(block, arguments) for block in blocks)


def _block(block, arguments):
    lines, indented = [], []
    for line in block.splitlines():
        (indented if line.startswith("    ") else lines).append(line)
    if not lines:
        return "::\n\n" + block
    if indented:  # a line, and what is below it
        return f"{_prose(' '.join(lines), arguments)}\n\n::\n\n" + "\n".join(indented)
    return _prose(" ".join(lines), arguments)


def _prose(text, arguments):
    """A paragraph; where it explains arguments, those as a list."""
    found = [m for m in NAMES.finditer(text) if set(m[1].split(", ")) <= set(arguments)]
    if not found:
        return _escape(text)
    ends = [*(m.start() for m in found[1:]), len(text)]
    items = [
        f"- **{_escape(m[1])}**: {_escape(text[m.end() : end].strip())}"
        for m, end in zip(found, ends, strict=True)
    ]
    before = _escape(text[: found[0].start()].strip())
    return "\n".join([before, "", *items] if before else items)


def _escape(text):
    parts = CODE.split(text)
    parts[::2] = [MARKUP.sub(r"\\\1", part) for part in parts[::2]]
    parts[1::2] = [_linked(part.strip("`")) for part in parts[1::2]]
    return "".join(parts)


def _linked(code):
    name = code.partition(".")[0]
    return f":py:obj:`~np_nn.{code}`" if name in np_nn.__all__ else f"``{code}``"


def _arguments(value):
    try:
        return inspect.signature(value).parameters
    except (TypeError, ValueError):  # a property, a built-in
        return ()


def process(app, what, name, value, options, lines):
    text = textwrap.dedent(inspect.cleandoc("\n".join(lines)))
    attributes = getattr(value, "__annotations__", ()) if inspect.isclass(value) else ()
    lines[:] = [*as_rest(text, [*_arguments(value), *attributes]).splitlines(), ""]


def setup(app):
    app.connect("autodoc-process-docstring", process)
    return {"parallel_read_safe": True}
