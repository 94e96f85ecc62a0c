"""Options of the command line reach the recipe; errors begin with the command."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import np_nn as nn
from np_nn import cli
from np_nn.cli import save_options
from np_nn.recipes import build
from np_nn.reproduce import __main__ as reproduce
from np_nn.utils import archive

pytestmark = pytest.mark.kernel_independent

ROOT = Path(__file__).resolve().parents[2]


def test_every_option_of_the_command_line_reaches_the_recipe():
    words = (
        "--no-plots --activation gelu --output sigmoid --norm layer --noise 0.1 --input-noise "
        "0.2 --dropout 0.3 --input-dropout 0.4 --residual --init orthogonal --loss "
        "cross_entropy:reduction=sum --optimizer adamw:eps=1e-6 --weight-decay 0.1 --schedule "
        "step:gamma=0.5 --no-replacement --clip-norm 1 --clip-value 2 --max-norm 3 --validation "
        "100 --patience 4 --shift 0.5 --standardize --deskew --augment affine:rotate=3+elastic "
        "--class-weights 1 2"
    )
    settings = cli.parse(cli.parser(""), words.split()).settings
    assert settings.optimizer == "adamw:eps=1e-6,weight_decay=0.1"
    assert settings.augment == "affine:rotate=3+elastic"
    assert settings.class_weights == (1.0, 2.0)
    assert (settings.dropout, settings.max_norm, settings.patience) == (0.3, 3.0, 4)
    assert settings.standardize
    assert settings.deskew
    assert settings.residual
    assert not settings.replacement
    optimizer = build.optimizer(settings, nn.Linear(2, 2).parameters())
    assert (optimizer.config["weight_decay"], optimizer.config["eps"]) == (0.1, 1e-6)


def test_options_of_a_checkpoint_are_words_that_the_parser_takes(tmp_path):
    """A word such as -1e-05 is an option to argparse; a list of numbers has such words."""
    command = cli.parser("")
    save_options.add_options(command)
    options = {"targets": [-1e-05, 1.0], "shift": -1e-05, "hidden": [3], "bias": False}
    archive.write(tmp_path / "run", {"recipe": options, "model": {}, "best": None, "history": {}})
    words = save_options.arguments(command, ["--resume", str(tmp_path / "run")])
    assert options.items() <= vars(command.parse_args(words)).items()


def test_an_empty_variable_is_unset(monkeypatch):
    monkeypatch.setenv("NP_NN_KERNELS", "")
    command = cli.parser("")
    cli.add_numpy_options(command)
    assert cli.parse(command, ["--no-plots"]).kernels == "auto"


@pytest.mark.parametrize("words", [["--bad"], ["--out", "a-file/folder"]], ids=str)
@pytest.mark.parametrize("door", ["reproduce", "visualize pass"])
def test_an_error_of_a_door_names_its_command(door, words, tmp_path):
    (tmp_path / "a-file").write_text("")
    command = [sys.executable, "-m", *f"np_nn.{door}".split(), *words]
    done = subprocess.run(
        command, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"python -m np_nn.{door.split()[0]}")
    assert ": error: " in line


def test_programs_take_the_threads_of_the_library(monkeypatch):
    """One thread if OMP_NUM_THREADS=1, which is set where other processes use the other cores."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert cli.parser("").parse_args([]).threads == 1
    assert reproduce.parser().parse_args([]).threads == 1
