"""The pages are correct: links have targets, Python blocks run, figures are the measured ones."""

import doctest
import re
from unittest.mock import patch

import pytest

import np_nn as nn
from np_nn.recipes import RECIPES
from np_nn.reproduce.results import Results, Summary
from tests.support.pages import FENCED, PAGES, README, ROOT, anchors, broken_links

LINES = 150  # maximum of the README
AFTERNOON = 5720  # maximum lines of the rooms that can be read in one afternoon

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def run(block):
    """Run a Python block on data without a download; >>> blocks must print the text shown."""
    block = block.replace('"mnist"', '"digits"')
    if ">>>" in block:
        example = doctest.DocTestParser().get_doctest(block, {}, "page", None, 0)
        assert doctest.DocTestRunner().run(example).failed == 0
    else:
        exec(compile(block, "page", "exec"), {"__name__": "__main__"})


def python_blocks(page):
    return [block for kind, block in FENCED.findall(page.read_text("utf-8")) if kind == "python"]


@pytest.mark.kernel_independent
@pages
def test_every_link_leads_where_it_says(page):
    assert not broken_links(page.read_text("utf-8"), page.parent)


@pages
def test_every_python_block_runs_on_its_own(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with patch.dict(nn.DATASETS):  # a page may add a data set
        for block in python_blocks(page):
            run(block)


def test_python_blocks_are_found():
    assert python_blocks(README)
    with pytest.raises(AssertionError):
        run(">>> 1 + 1\n3\n")


@pytest.mark.parametrize(
    "link",
    [
        "[`Linear.leap`](np_nn/layers/linear.py)",
        "[`Linear`](np_nn/layers/linear.py#L9)",
        "[SGD](np_nn/optim/optimizers.py#L9)",
        "[`nn_sharing`](kernels/common/threads.h)",
        "[a](gone.md)",
        "[a](#gone)",
        "[a](CONTRIBUTING.md#gone)",
    ],
)
def test_a_wrong_link_is_seen(link):
    right = "[`Linear.backward`](np_nn/layers/linear.py) [a](#a-b) [b](LICENSE) [c](https://c)"
    assert broken_links(f"# A b\n{right} {link}") == [link.partition("](")[2][:-1]]


def test_anchors_are_those_of_the_headings():
    assert anchors("# A `b`: c\n## D-e\n```\n# no heading\n```") == {"a-b-c", "d-e"}


# ---- The README -----------------------------------------------------------------------------


def test_the_readme_is_two_screens():
    assert len(README.read_text("utf-8").splitlines()) <= LINES


def test_the_afternoon_is_one_and_its_lines_are_those_of_the_readme():
    row = r"^\| \[np_nn/([\w.]+)/?\]\([^)]+\) \| ([\d,]+) \|"
    said = re.findall(row, README.read_text("utf-8"), re.M)
    rooms = ["reference", "ops.py", "layers", "losses.py", "optim", "training"]
    assert [room for room, _ in said] == rooms
    counted = {room: lines_of(ROOT / "np_nn" / room) for room in rooms}
    assert sum(counted.values()) <= AFTERNOON
    for room, lines in said:
        assert int(lines.replace(",", "")) == pytest.approx(counted[room], rel=0.1), room


def lines_of(room):
    files = room.rglob("*.py") if room.is_dir() else [room]
    return sum(len(file.read_text("utf-8").splitlines()) for file in files)


@pytest.mark.parametrize("name", ["np_nn", "geohot"])
def test_the_readmes_results_are_those_of_the_last_reproduction(name):
    results = Results(ROOT / "reproduction" / "results.json")
    row = Summary(RECIPES[name], results.of(RECIPES[name]))
    (line,) = re.findall(rf"^\| {name}, NumPy .*$", README.read_text("utf-8"), re.M)
    assert f"| {row.recipe.published:.4f} | {row.accuracy:.4f} ± {row.spread:.4f} |" in line
    assert f"| {row.n} |" in line
