"""The pages keep their word: their links lead where they say, their Python runs, tables are true.

Line numbers move with the code, and results with the machine. ``python tests/docs/test_pages.py``
puts the line numbers in all pages right, and README.md's tables of reproduced results.
"""

import ast
import doctest
import re
import sys
from pathlib import Path
from unittest.mock import patch

import pytest

import np_nn as nn

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
PAGES = [README, *(ROOT / name / "README.md" for name in ("examples", "gallery"))]
PAGES += sorted((ROOT / "docs").glob("*.md"))
FENCED = re.compile(r"^```(\w*).*?\n(.*?)^```$", re.M | re.S)
CODE_LINK = re.compile(r"\[`([\w.]+)`\]\(([\w./-]+\.py)#L(\d+)\)")
TABLES = re.compile(r"(<!-- reproduction -->).*(<!-- /reproduction -->)", re.S)
TARGET = re.compile(r'\]\(([^)\s]+)|(?:src|srcset|href)="([^"]+)')


pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def line_of(name, path):
    """Where a file defines a function, a class or, as Class.method, a method; None if nowhere."""
    node = ast.parse(path.read_text("utf-8")) if path.is_file() else None
    for part in name.split("."):
        inside = [d for d in getattr(node, "body", ()) if getattr(d, "name", None) == part]
        node = inside[-1] if inside else None
    return node and node.lineno


def with_right_lines(text, folder=ROOT):
    """The text, of a page in a folder, with the right line in every link to code that is there."""
    return CODE_LINK.sub(
        lambda link: f"[`{link[1]}`]({link[2]}#L{line_of(link[1], folder / link[2]) or link[3]})",
        text,
    )


def with_reproduction(text):
    """The text with the tables of reproduction/RESULTS.md, without their notes."""
    page = (ROOT / "reproduction" / "RESULTS.md").read_text("utf-8")
    sections = re.findall(r"^## ([^\n]*)\n(.*?)(?=^## |\Z)", page, re.M | re.S)
    parts = [
        "\n".join([f"**{title}**", *re.findall(r"^(?:\|.*|Computing.*|)$", body, re.M)])
        for title, body in sections
    ]
    tables = re.sub(r"\n{3,}", "\n\n", "\n\n".join(parts)).strip()
    return TABLES.sub(lambda found: f"{found[1]}\n\n{tables}\n\n{found[2]}", text)


def broken_links(text, folder=ROOT):
    """The links of a page in a folder that do not lead where they say, as they stand there."""
    prose = FENCED.sub("", text)
    links = list(CODE_LINK.finditer(prose))
    broken = [link[0] for link in links if line_of(link[1], folder / link[2]) != int(link[3])]
    titles = re.findall(r"^#+ (.*)$", prose, re.M)
    anchors = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
    for target in map("".join, TARGET.findall(CODE_LINK.sub("", prose))):
        path, _, anchor = target.partition("#")
        file = (folder / path).resolve()
        there = file.exists() and file.is_relative_to(ROOT) if path else anchor in anchors
        if not re.match("[a-z]+:", target) and (not there or re.match(r"L\d", anchor)):
            broken.append(target)
    return broken


def run(block):
    """Run Python on data that need no download; after >>>, it must print what stands there."""
    block = block.replace('"mnist"', '"digits"')
    if ">>>" in block:
        example = doctest.DocTestParser().get_doctest(block, {}, "page", None, 0)
        assert doctest.DocTestRunner().run(example).failed == 0
    else:
        exec(compile(block, "page", "exec"), {"__name__": "__main__"})


def python_blocks(page):
    return [block for kind, block in FENCED.findall(page.read_text("utf-8")) if kind == "python"]


@pages
def test_every_link_leads_where_it_says(page):
    broken = broken_links(page.read_text("utf-8"), page.parent)
    assert not broken, "python tests/docs/test_pages.py puts line numbers right"


def test_links_to_code_are_found():
    assert len(CODE_LINK.findall(README.read_text("utf-8"))) >= 10


def test_the_reproduced_tables_are_those_of_the_last_run():
    text = README.read_text("utf-8")
    assert with_reproduction(text) == text, "python tests/docs/test_pages.py puts them right"


@pages
def test_every_python_block_runs_on_its_own(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with patch.dict(nn.DATASETS):  # which a page may add to
        for block in python_blocks(page):
            run(block)


def test_python_blocks_are_found():
    assert python_blocks(README)


def test_a_wrong_link_is_seen_and_a_wrong_line_is_mended():
    link = "[`Linear.backward`](np_nn/layers/linear.py#L1)"
    assert broken_links(f"# A b\n{link} [a](#a-b) [b](LICENSE) [c](https://c)") == [link]
    assert not broken_links(with_right_lines(link))
    for wrong in (
        "[`SGD.leap`](np_nn/optim/optimizers.py#L9)",
        "[a](gone.md)",
        "[SGD](np_nn/optim/optimizers.py#L9)",
    ):
        assert broken_links(with_right_lines(wrong))
    with pytest.raises(AssertionError):
        run(">>> 1 + 1\n3\n")


def mend():
    """Put right what can be; returns the links that still lead nowhere."""
    README.write_text(with_reproduction(README.read_text("utf-8")), "utf-8")
    broken = []
    for page in PAGES:
        text = with_right_lines(page.read_text("utf-8"), page.parent)
        page.write_text(text, "utf-8")
        broken += broken_links(text, page.parent)
    return broken


if __name__ == "__main__":
    sys.exit("\n".join(mend()) or 0)
