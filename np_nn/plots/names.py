"""Names from the user's data (classes, features, files) as text that a picture can show."""

from functools import cache

from matplotlib import font_manager

OWN = "DejaVu Sans"  # comes with matplotlib: the same on every machine
OTHERS = (  # families for characters that OWN lacks, used if installed
    "Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans", "PingFang SC", "Hiragino Sans",
    "Microsoft YaHei", "Yu Gothic", "Malgun Gothic", "WenQuanYi Zen Hei", "Nirmala UI",
    "Arial Unicode MS",
)  # fmt: skip
LONGEST = 18  # maximum characters of a name beside an axis


@cache
def families():
    """Return the installed font families in which text is drawn, OWN first."""
    installed = set(font_manager.get_font_names())
    return [OWN, *(name for name in OTHERS if name in installed)]


@cache
def _drawable():
    """Return the code points that the fonts can draw."""
    found = (font_manager.get_font(font_manager.findfont(family)) for family in families())
    return frozenset().union(*(font.get_charmap() for font in found))


def readable(text):
    r"""Return text with each character that no font has replaced by an escape, such as \u732b.

    Line breaks and tabs are kept: matplotlib handles them itself.
    """
    known = _drawable()
    return "".join(
        character if ord(character) in known or character in "\n\t" else _escaped(character)
        for character in str(text)
    )


def _escaped(character):
    return character.encode("unicode_escape", "backslashreplace").decode("ascii")


def short(name, most=LONGEST):
    """Return a name as one readable line, its middle cut to fit at most `most` characters."""
    line = readable(" ".join(str(name).split()))
    if len(line) <= most:
        return line
    end = (most - 1) // 2
    return f"{line[: most - 1 - end]}…{line[len(line) - end :]}"


def shorts(names, most=LONGEST):
    """Return ``short`` of each name."""
    return [short(name, most) for name in names]
