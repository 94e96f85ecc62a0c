"""The documentation builds without warnings or requests, and contains every public name."""

import importlib.util
import inspect
import os
import re
import runpy
import subprocess
import sys
import sysconfig
from pathlib import Path

import listing
import pytest

import np_nn as nn
from tests.support.browser import browser, problems
from tests.support.pages import PAGES

pytestmark = pytest.mark.kernel_independent
ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PACKAGES = sysconfig.get_path("purelib")
NEEDED = ("sphinx", "furo", "myst_nb", "latex2mathml", "jupytext")
BUILD = [sys.executable, "-m", "sphinx", "--quiet", "--fail-on-warning", "--keep-going"]
LOADED = re.compile(r'<(?:script|link|img|iframe)\b[^>]*(?:src|href)="((?:https?:)?//[^"]*)', re.I)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Build the pages as HTML, with the notebooks not executed."""
    missing = [name for name in NEEDED if not importlib.util.find_spec(name)]
    if missing:
        pytest.skip(f"the documentation needs {', '.join(missing)}: pip install -e .[docs]")
    out = tmp_path_factory.mktemp("docs")
    build = [*BUILD, "-D", "nb_execution_mode=off", "-D", "suppress_warnings=myst-nb.lexer"]
    build += ["-d", out / "trees", "-c", DOCS, ROOT, out / "html"]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr
    return out / "html"


def html(site):
    """Return {page: its HTML} of all pages."""
    return {path.relative_to(site): path.read_text("utf-8") for path in site.rglob("*.html")}


def test_every_page_is_there(site):
    for path in [*PAGES, *(ROOT / "notebooks").glob("[0-9]*.py")]:
        assert (site / path.relative_to(ROOT)).with_suffix(".html").is_file()
    assert 'url=docs/index.html"' in (site / "index.html").read_text("utf-8")


def test_no_page_loads_anything_from_elsewhere(site):
    pages = html(site)
    assert len(pages) > 50
    for page, text in pages.items():
        assert not LOADED.findall(text), page
    for sheet in site.rglob("*.css"):
        assert not re.search(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//", sheet.read_text("utf-8"))


def test_no_page_shows_a_path_of_this_machine(site):
    for path in (path for path in site.rglob("*") if path.suffix in (".html", ".js", ".inv")):
        text = path.read_bytes()
        assert not any(str(place).encode() in text for place in (ROOT, site, PACKAGES))


def test_a_build_that_was_given_mnist_fails_without_it(tmp_path):
    pytest.importorskip("sphinx")
    done = subprocess.run(
        [*BUILD, "-c", DOCS, ROOT, tmp_path / "html"], cwd=tmp_path.parent, text=True,
        env=os.environ | {"NP_NN_DATA": tmp_path.name}, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode
    assert f"NP_NN_DATA: MNIST was not found in {tmp_path}" in done.stderr


@pytest.mark.parametrize("given", [True, False])
def test_notebooks_find_the_data_of_the_folder_where_the_build_starts(mnist, monkeypatch, given):
    pytest.importorskip("sphinx")
    monkeypatch.chdir(mnist.root.parent)
    monkeypatch.setenv("NP_NN_DATA", mnist.root.name if given else "")
    monkeypatch.setattr(sys, "path", [*sys.path])
    configuration = runpy.run_path(str(DOCS / "conf.py"))
    configuration["setup"](None)
    assert os.environ["NP_NN_DATA"] == str(mnist.root if given else mnist.root.with_name("data"))
    assert configuration["nb_output_stderr"] == "error"  # no page shows a warning


def test_pages_open_on_a_phone_and_on_a_desk_without_a_complaint(site):
    pages = [(site / path.relative_to(ROOT)).with_suffix(".html") for path in DOCS.rglob("*.md")]
    with browser() as chromium:
        assert problems(chromium, *pages, folder=site) == []


def test_the_page_to_draw_on_is_shown(site):
    text = (site / "docs" / "use" / "draw.html").read_text("utf-8")
    assert '<iframe src="digit.html"' in text
    assert 'id="pad"' in (site / "docs" / "use" / "digit.html").read_text("utf-8")


def test_formulas_are_mathml(site):
    text = (site / "docs" / "learn" / "backpropagation.html").read_text("utf-8")
    assert text.count("<math ") > 50
    assert "mathjax" not in text.lower()
    assert "\\frac" not in text


def test_links_to_code_lead_to_its_line(site):
    folder = site / "docs" / "learn"
    text = (folder / "optimizers.html").read_text("utf-8")
    links = re.findall(r'href="(\.\./\.\./np_nn/[\w/]+\.py\.html)#(L-\d+)"', text)
    assert len(links) > 10
    for page, line in links:
        assert f'name="{line}"' in (folder / page).read_text("utf-8")


def test_every_public_name_is_in_the_reference():
    text = listing.expanded((DOCS / "api.md").read_text("utf-8"))
    names = re.findall(r"^\.\. (?:auto\w+|py:data):: (\w+)$", text, re.M)
    assert sorted(names) == sorted(nn.__all__)


def test_docstrings_are_rendered_as_sections_formulas_and_links(site):
    text = (site / "docs" / "api.html").read_text("utf-8")
    assert re.search(r"<strong>noise</strong> . standard deviation of the GaussianNoise", text)
    assert re.search(r'href="#np_nn.DataError"[^>]*><strong>DataError</strong></a> . for', text)
    assert re.search(r'see <a[^>]* href="#np_nn.lenet5"[^>]*><code', text)
    assert re.search(r"<pre>(<span></span>)?<span[^>]*>v</span>.*\n<span[^>]*>weight</span>", text)
    assert "Type<span" not in text  # of a property whose docstring reads "type: description"


def test_functions_of_more_than_three_arguments_list_them():
    for name in nn.__all__:
        function = getattr(nn, name)
        arguments = inspect.isfunction(function) and [*inspect.signature(function).parameters]
        if not arguments or len(arguments) <= 3:
            continue
        text = inspect.getdoc(function)
        if not re.search(r"^Arguments and errors: see `\w+`", text, re.M):
            section = text.partition("\nArgs:\n")[2].partition("\n\n")[0]
            listed = re.findall(r"^    ((?:\w+, )*\w+): ", section, re.M)
            assert sorted(", ".join(listed).split(", ")) == sorted(arguments), name
