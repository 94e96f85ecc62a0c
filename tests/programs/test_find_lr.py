"""--find-lr: draws, prints a command that works, does not train and writes no other file."""

import json
import shlex
from types import SimpleNamespace

import numpy as np
import pytest

import main_np
from np_nn import cli, plots
from tests.support.pictures import check_readable, texts

pytestmark = pytest.mark.kernel_independent
WORDS = ["--recipe", "start", "--dataset", "digits", "--quiet"]


def run(*words):
    with pytest.raises(SystemExit) as stop:
        cli.run(lambda: main_np.main([*WORDS, *map(str, words)]))
    return stop.value.code


def test_it_suggests_a_rate_and_the_command_that_uses_it(tmp_path, capsys):
    report = tmp_path / "found.json"
    words = ["--hidden", "60", "60", "--out", tmp_path / "out", "--json", report]
    assert run("--find-lr", *words) == 0
    out = capsys.readouterr().out
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["lr_range.png"]
    found = json.loads(report.read_text())
    assert len(found["rates"]) == len(found["losses"]) == len(found["smoothed"])
    assert f"suggestion: {found['suggestion']:g}, a tenth of" in out
    (line,) = [line for line in out.splitlines() if "--lr" in line]
    command = shlex.split(line)
    assert "--find-lr" not in command
    again = command[command.index("--recipe") :]
    args = cli.parse(cli.parser(""), again)
    assert (args.settings.lr, args.settings.hidden) == (found["suggestion"], (60, 60))


def test_it_draws_nothing_where_no_pictures_are_asked_for(tmp_path, capsys):
    assert run("--find-lr", "--no-plots", "--out", tmp_path / "out") == 0
    assert list(tmp_path.iterdir()) == []


def test_it_prints_json_alone(capsys):
    assert run("--find-lr", "--no-plots", "--json", "-") == 0
    assert json.loads(capsys.readouterr().out)["suggestion"] > 0


def test_what_cannot_learn_is_told_so(capsys):
    assert run("--find-lr", "--no-plots", "--init", "zeros") == 0
    assert "the loss fell at none of them" in capsys.readouterr().out


def test_the_picture_marks_the_suggestion(monkeypatch):
    drawn = []
    monkeypatch.setattr(plots.lr_range, "save_figure", lambda figure, path: drawn.append(figure))
    losses = np.r_[np.linspace(2.3, 0.5, 50), 9.0]
    found = SimpleNamespace(
        rates=np.geomspace(1e-7, 1, 51), losses=losses, smoothed=losses, suggestion=0.05
    )
    plots.plot_lr_range(found, "", "Range test: loss as the rate grows\nof a network", "note")
    plots.snapshot(drawn[0])
    (axes,) = drawn[0].axes
    assert axes.lines[-1].get_xdata()[0] == 0.05
    assert {"suggestion: 0.05", "learning rate", "0.001", "note"} <= set(texts(drawn[0]))
    assert axes.get_ylim()[1] < 4  # the divergence does not flatten the rest
    check_readable(drawn)


@pytest.mark.parametrize("option", ["save", "export", "log", "report"])
def test_files_of_a_training_are_refused(option, tmp_path, capsys):
    path = tmp_path / "file.safetensors"
    assert run("--find-lr", "--no-plots", f"--{option}", path) == 2
    assert f"--find-lr trains nothing: leave out --{option}" in capsys.readouterr().err
    assert not path.exists()
