"""np_nn's docstrings are plain text. This makes them the reST that autodoc expects.

A paragraph stays one, with nothing in it that reST would take for markup; what is indented is a
formula or code, and stays as it is. Sentences that explain a name, "steps: how many", become a
list. ``Names`` in double backquotes are code, those of the public API links.
"""

import inspect
import re

import np_nn

BLOCK = re.compile(r"\n\s*\n|(?<=\.)\s(?=Raises |Source: )")
CODE = re.compile(r"(``.+?``)", re.S)
MARKUP = re.compile(r"([\\*`|_])")
EXPLAINED = re.compile(r"(?:^|(?<=[.;)] ))((?:[a-z]\w*, )*[a-z]\w*): ")


def as_rest(text):
    """reST of a docstring without its indentation."""
    return "\n\n".join(map(_block, BLOCK.split(text)))


def _block(block):
    """A paragraph, then what is indented below it, or either alone."""
    lines = block.splitlines()
    prose = " ".join(line for line in lines if not line.startswith(" "))
    code = "\n".join(line for line in lines if line.startswith(" "))
    return "\n\n".join([_paragraph(prose)] * bool(prose) + ["::", code] * bool(code))


def _paragraph(text):
    before, *rest = EXPLAINED.split(text)
    items = [
        f"- **{_escape(names)}**: {_escape(words.strip())}"
        for names, words in zip(rest[::2], rest[1::2], strict=True)
    ]
    return "\n".join([_escape(before.strip()), ""] * bool(before) + items)


def _escape(text):
    parts = CODE.split(text)
    parts[::2] = [MARKUP.sub(r"\\\1", part) for part in parts[::2]]
    parts[1::2] = [_linked(part.strip("`")) for part in parts[1::2]]
    return "".join(parts)


def _linked(code):
    public = code.partition(".")[0] in np_nn.__all__
    return f":py:obj:`~np_nn.{code}`" if public else f"``{code}``"


def process(app, what, name, value, options, lines):
    lines[:] = [*as_rest(inspect.cleandoc("\n".join(lines))).splitlines(), ""]


def setup(app):
    app.connect("autodoc-process-docstring", process)
    return {"parallel_read_safe": True}
