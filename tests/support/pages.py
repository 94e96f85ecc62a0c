"""The project's Markdown pages, and their broken links."""

import re
from pathlib import Path

from code_lines import LINK as CODE_LINK
from code_lines import line_of

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
FOLDERS = ("docs", "kernels", "examples", "gallery", "notebooks")
PAGES = sorted(
    {*ROOT.glob("*.md"), *(page for name in FOLDERS for page in (ROOT / name).rglob("*.md"))}
)
FENCED = re.compile(r"^```(\w*).*?\n(.*?)^```$", re.M | re.S)
TARGET = re.compile(r'\]\(([^)\s]+)|(?:src|srcset|href)="([^"]+)')


def anchors(text):
    """Return the anchors of a page's headings, as GitHub and the website name them."""
    titles = re.findall(r"^#+ (.*)$", FENCED.sub("", text), re.M)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def broken_links(text, folder=ROOT):
    """Return the broken link targets of a page with this text in a folder.

    A link to code names a file, and may name a definition in it, but no line number.
    """
    prose = FENCED.sub("", text)
    targets = map("".join, TARGET.findall(prose))
    code = [(link["name"], link["path"]) for link in CODE_LINK.finditer(prose)]
    return [target for target in targets if _is_broken(target, text, folder)] + [
        path
        for name, path in code
        if (folder / path).is_file() and not line_of(name, folder / path)
    ]


def _is_broken(target, text, folder):
    if re.match("[a-z]+:", target):
        return False
    path, _, anchor = target.partition("#")
    file = (folder / path).resolve()
    if path and not (file.exists() and file.is_relative_to(ROOT)):
        return True
    if path and anchor:
        text = file.read_text("utf-8") if file.suffix == ".md" else ""
    return bool(anchor) and anchor not in anchors(text)
