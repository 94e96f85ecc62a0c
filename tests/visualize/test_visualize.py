"""python -m np_nn.visualize: each command draws its pictures; the gallery shows them all."""

import importlib
import re
from pathlib import Path

import pytest

from np_nn.visualize import __main__ as visualize
from tests.support.commands import SMALL, draw, refused

pytestmark = pytest.mark.kernel_independent
GALLERY = Path(__file__).resolve().parents[2] / "gallery"
PAGE = (GALLERY / "README.md").read_text("utf-8")
LARGEST = {".png": 150_000, ".gif": 1_000_000}  # maximum bytes of a picture


# A short run of each command, and the files that it writes.
RUNS = {
    "pass": (
        [*SMALL, "--steps", "1", "--animate"],
        ["pass.png", "pass_before.png", "pass.gif", "pass.html"],
    ),
    "training": (
        [*SMALL, "--validation", "100"],
        [f"training{part}.png" for part in ("", "_norms", "_dead", "_histograms", "_filters")],
    ),
    "answers": (
        [*SMALL, "--lr", "0.02"],
        [
            f"{name}.png"
            for name in ("confusion", "errors", "class_accuracy", "calibration", "embedding")
        ],
    ),
    "boundary": (
        ["--set", "moons", "xor", "--steps", "2", "--quiet"],
        ["boundary.png", "boundary.gif", "boundary.html"],
    ),
    "effects": (SMALL, ["effects.png"]),
    "surface": ([*SMALL, "--grid", "5", "--images", "50"], ["surface.png"]),
}


# ---- Every command --------------------------------------------------------------------------


@pytest.mark.parametrize("name", visualize.COMMANDS)
def test_draws_its_pictures_and_says_where(name, tmp_path, capsys):
    arguments, files = RUNS[name]
    assert draw(tmp_path, name, arguments) == sorted(files)
    (said,) = re.findall(r"^written: (.*)$", capsys.readouterr().out, re.M)
    assert sorted(said.split(", ")) == sorted(str(tmp_path / file) for file in files)


@pytest.mark.parametrize("words", [["--hidden", "1"], ["--init", "zeros"]], ids=str)
def test_what_cannot_be_drawn_is_left_out_with_a_note(words, tmp_path, capsys):
    """One hidden unit; a collapsed network, whose every answer is the same."""
    wanted = set(RUNS["answers"][1]) - {"embedding.png"}
    assert draw(tmp_path / "answers", "answers", [*SMALL, *words]) == sorted(wanted)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("note: no picture of the hidden layer: ")
    assert draw(tmp_path / "training", "training", [*SMALL, *words]) == sorted(RUNS["training"][1])


@pytest.mark.parametrize("name", visualize.COMMANDS)
def test_has_a_module_that_says_what_it_is_for(name, capsys):
    module = importlib.import_module(f"np_nn.visualize.{visualize.MODULES.get(name, name)}")
    assert module.__doc__
    assert module.parser().get_default("out") == "gallery"


def test_an_unknown_command_is_refused(capsys):
    assert "'paint'" in refused(capsys, "paint")


def test_a_folder_that_is_none_is_refused(tmp_path, capsys):
    (tmp_path / "file").touch()
    for name in visualize.COMMANDS:
        arguments, _ = RUNS[name]
        assert "file" in refused(capsys, name, *arguments, "--out", str(tmp_path / "file"))


# ---- The gallery ----------------------------------------------------------------------------


def test_every_command_is_in_the_gallery():
    named = re.findall(r"^python -m np_nn\.visualize (\w+)", PAGE, re.M)
    assert set(named) == set(visualize.COMMANDS)


def test_every_picture_is_in_the_gallery_with_its_description():
    shown = re.findall(r"!\[([^]]+)\]\(([^)]+)\)", PAGE)
    there = [path.name for path in GALLERY.iterdir() if path.suffix in LARGEST]
    assert sorted(name for _, name in shown if "/" not in name) == sorted(there)
    assert all((GALLERY / name).is_file() for _, name in shown)
    assert min((len(text) for text, _ in shown), default=99) > 20


def test_pictures_are_light():
    sizes = {path: path.stat().st_size for path in GALLERY.iterdir() if path.suffix in LARGEST}
    assert {path.name: n for path, n in sizes.items() if n > LARGEST[path.suffix]} == {}
