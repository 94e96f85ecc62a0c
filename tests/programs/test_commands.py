"""The program np-nn: its table of commands, and each command as a user has it."""

import json
import shlex
import sys

import pytest

import np_nn as nn
from np_nn import __main__ as program
from np_nn import cli
from tests.support.kernels import python

pytestmark = pytest.mark.kernel_independent
TINY = ["--dataset", "digits", "--steps", "20", "--batch-size", "32", "--hidden", "16", "--quiet"]


@pytest.fixture
def np_nn(monkeypatch, capsys):
    """The program as a function: arguments -> (exit status, stdout, stderr)."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["/usr/bin/np-nn"])
        with pytest.raises(SystemExit) as stop:
            cli.run(lambda: program.main([str(word) for word in arguments]))
        return stop.value.code, *capsys.readouterr()

    return run


# ---- The program ------------------------------------------------------------------------------


def test_help_lists_the_commands_and_the_version_is_printed(np_nn):
    status, out, _ = np_nn("--help")
    assert (status, np_nn()[:2]) == (0, (0, out))
    assert all(f"\n  {name} " in out for name in program.COMMANDS)
    assert max(map(len, out.splitlines())) <= 80
    assert np_nn("--version") == (0, f"np_nn {nn.__version__}\n", "")


@pytest.mark.parametrize("name", program.COMMANDS)
def test_every_command_has_help_of_its_own(np_nn, name):
    pytest.importorskip(program.COMMANDS[name][0])
    status, out, err = np_nn(name, "--help")
    assert (status, err) == (0, "")
    assert out.startswith(f"usage: np-nn {name} ")


def test_an_unknown_command_is_one_line_with_the_nearest(np_nn):
    status, out, err = np_nn("evalute", "m.safetensors")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("np-nn: error: ")
    assert "unknown command 'evalute'; did you mean 'evaluate'?" in err


def test_errors_and_the_command_that_repeats_a_run_name_what_was_called(np_nn, tmp_path):
    for words in (["--lr", "x"], ["--dataset", "digits", "--batch-size", "5000"]):
        status, _, err = np_nn("train", *words, "--no-plots", "--quiet")
        assert (status, err.count("\n")) == (2, 1)
        assert err.startswith("np-nn train: error: ")
    page = tmp_path / "run.html"
    words = [*TINY, "--no-plots", "--report", str(page)]
    assert np_nn("train", *words)[0] == 0
    assert _spans(["np-nn", "train", *words]) in page.read_text("utf-8")
    done = python("main_np.py", *words)
    assert not done.returncode, done.stderr
    assert _spans(["python", "main_np.py", *words]) in page.read_text("utf-8")


def _spans(words):
    return " ".join(f"<span>{word}</span>" for word in shlex.join(words).split())


def test_as_a_module_it_is_the_same_program():
    done = python("-m", "np_nn", "train", "--lr", "x")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("python -m np_nn train: error: argument --lr: ")


def test_json_can_be_all_that_is_printed(np_nn, tmp_path):
    status, out, err = np_nn("train", *TINY, "--out", tmp_path, "--json", "-")
    assert status == 0
    assert json.loads(out)["steps"] == 20
    assert "accuracy_plot_np.png" in err
    assert "-" not in [path.name for path in tmp_path.iterdir()]
