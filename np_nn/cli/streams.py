"""Output streams that accept every text: plain characters, and closed streams."""

import codecs
import os
import sys

HANDLER = "np_nn.plain"
PLAIN = {"±": "+-", "≥": ">=", "≤": "<="}


def prepare():
    """Make stdout and stderr accept every text.

    A character missing in the terminal's encoding is printed as PLAIN maps it, or as "?". A closed
    stream, which is None in Python, drops what is printed.
    """
    codecs.register_error(HANDLER, _plain)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - to the end
        if reconfigure := getattr(getattr(sys, name), "reconfigure", None):
            reconfigure(errors=HANDLER)


def _plain(error):
    """Return what replaces the characters of a UnicodeEncodeError, and where to continue."""
    lacking = error.object[error.start : error.end]
    return "".join(PLAIN.get(character, "?") for character in lacking), error.end
