"""Names of the user's own (classes, features, files) as text that a picture can show."""

from functools import cache

from matplotlib import font_manager

OWN = "DejaVu Sans"  # comes with matplotlib: the same on every machine
OTHERS = (  # families of other scripts, used for what OWN lacks where they are installed
    "Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans", "PingFang SC", "Hiragino Sans",
    "Microsoft YaHei", "Yu Gothic", "Malgun Gothic", "WenQuanYi Zen Hei", "Nirmala UI",
    "Arial Unicode MS",
)  # fmt: skip
LONGEST = 18  # characters of a name beside an axis


@cache
def families():
    """Return the installed font families in which text is drawn, OWN first."""
    installed = set(font_manager.get_font_names())
    return [OWN, *(name for name in OTHERS if name in installed)]


@cache
def _drawable():
    """Return the code points that the fonts have."""
    found = (font_manager.get_font(font_manager.findfont(family)) for family in families())
    return frozenset().union(*(font.get_charmap() for font in found))


def readable(text):
    r"""Return text with an escape, such as \u732b, for each character that no font has.

    Line breaks and tabs stay: matplotlib breaks lines there.
    """
    known = _drawable()
    return "".join(
        character if ord(character) in known or character in "\n\t" else _escaped(character)
        for character in str(text)
    )


def _escaped(character):
    return character.encode("unicode_escape", "backslashreplace").decode("ascii")


def short(name, most=LONGEST):
    """Return a name as one readable line of at most `most` characters, its middle left out."""
    line = readable(" ".join(str(name).split()))
    if len(line) <= most:
        return line
    end = (most - 1) // 2
    return f"{line[: most - 1 - end]}…{line[len(line) - end :]}"


def shorts(names, most=LONGEST):
    """Return ``short`` of each name."""
    return [short(name, most) for name in names]
