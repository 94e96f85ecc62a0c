"""A run's report in a real browser, and a page with faults, which must be found."""

import json

import pytest

import main_np
from tests.support.browser import browser, opened, problems

pytestmark = pytest.mark.kernel_independent
FAULTY = """<!DOCTYPE html><title>x</title><link rel="icon" href="data:,">
<div style="width: 500px">wide</div>
<img src="data:image/png;base64,AAAA" alt="broken">
<img src="https://localhost/x.png" alt="away"> <img src="data:," alt="">
<script>console.warn("careful"); missing()</script>"""


@pytest.fixture(scope="module")
def chromium():
    with browser() as started:
        yield started


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Return a folder with report.html and run.json of a short training."""
    folder = tmp_path_factory.mktemp("run")
    options = ["--dataset", "digits", "--steps", "200", "--seed", "0", "1", "--batch-size", "64"]
    files = ["--report", folder / "report.html", "--json", folder / "run.json"]
    assert main_np.main([*options, "--quiet", "--no-plots", *map(str, files)]) == 0
    return folder


def test_faults_are_found(chromium, tmp_path):
    path = tmp_path / "faulty.html"
    path.write_text(FAULTY)
    found = "\n".join(problems(chromium, path))
    for fault in (
        "phone, light: 5", "a broken image: broken", "https://localhost/x.png", "no alt text",
        "careful", "script: ",
    ):  # fmt: skip
        assert fault in found, found
    assert "desk, dark: 5" not in found  # it fits there


def test_a_report_opens_anywhere(chromium, run):
    assert problems(chromium, run / "report.html") == []


def test_a_report_shows_its_figures(chromium, run):
    content = json.loads((run / "run.json").read_text())
    with opened(chromium, run / "report.html") as page:
        for network in content["runs"]:
            figure = page.get_by_role("cell", name=f"{network['test_accuracy']:.4f}", exact=True)
            assert figure.first.is_visible()
        assert page.get_by_role("img").count() > 2
        assert page.get_by_text("NOT comparable").first.is_visible()
