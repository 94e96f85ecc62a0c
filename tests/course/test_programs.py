"""np-nn course and np-nn check."""

import os
import signal
import subprocess
import sys

import pytest

import np_nn as nn
from np_nn import cli, reference
from np_nn.course import check, trial, write
from np_nn.course.lessons import LESSONS
from tests.support.kernels import ROOT

pytestmark = pytest.mark.kernel_independent


@pytest.fixture
def run(capsys):
    """Return a function (main, words) -> (exit status, stdout, stderr)."""

    def call(main, *words):
        with pytest.raises(SystemExit) as stop:
            cli.run(lambda: main([str(word) for word in words]))
        return stop.value.code or 0, *capsys.readouterr()

    return call


@pytest.fixture
def folder(run, tmp_path):
    assert run(write.main, tmp_path / "c")[0] == 0
    return tmp_path / "c"


@pytest.fixture
def refused(run, monkeypatch):
    """Return a function from the words of a check to its one line on stderr."""

    def line_of(*words):
        status, out, err = run(check.main, *words)
        assert (status, out, err.count("\n")) == (2, "", 1)
        return err

    return line_of


def test_the_course_is_ten_files_and_overwrites_none(run, folder, tmp_path):
    assert sorted(path.name for path in folder.iterdir()) == list(LESSONS)
    first = folder / "01_linear_forward.py"
    first.write_text("mine")
    status, out, err = run(write.main, folder)
    assert (status, out) == (2, "")
    assert "holds 01_linear_forward.py already" in err
    assert first.read_text() == "mine"
    assert "cannot write" in run(write.main, first)[2]


def test_a_file_as_written_is_refused_in_one_line(folder, refused):
    line = refused(folder / "01_linear_forward.py")
    assert "01_linear_forward.py: line 25: NotImplementedError: not written yet: put your " in line


def test_other_files_are_refused(folder, refused, tmp_path):
    assert "2_relu.py: no such file of the course; did you mean '02_" in refused("2_relu.py")
    assert "02_relu.py: no such file of the course" in refused(tmp_path / "02_relu.py")


def test_hints_are_shown_one_by_one(folder, run):
    first, second = (
        run(check.main, folder / "01_linear_forward.py", *["--hint"] * count)[1] for count in (1, 2)
    )
    assert len(first.splitlines()) == 2
    assert len(second.splitlines()) == 3
    assert second.startswith(first)


def test_a_right_file_trains(folder, run, monkeypatch, tmp_path):
    monkeypatch.delenv("NP_NN_DATA", raising=False)  # the digits of scikit-learn
    monkeypatch.setenv("NP_NN_CACHE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(check, "find_spec", lambda name: None)
    lesson = LESSONS["06_sgd_momentum.py"]
    path = folder / lesson.name
    path.write_text(lesson.text)
    status, out, err = run(check.main, path)
    assert status == 0, err
    assert out.startswith(f"{path}: right, sgd_step\n\n784-64-10 on ")
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in out.splitlines()[6:]]
    named = {row[0]: row[1:] for row in rows if len(row) == 4}
    assert {"06_sgd_momentum.py", "NumPy"} <= named.keys()
    assert len({accuracy for accuracy, *_ in named.values()}) <= 2  # kernels may round differently
    assert all(float(accuracy) > 0.8 for accuracy, *_ in named.values())
    assert out.endswith(f"\nnext: {folder / '07_adam.py'}\n")


def test_code_that_never_ends_is_ended(folder, refused, monkeypatch):
    monkeypatch.setattr(check, "SECONDS", 2)
    path = folder / "02_relu.py"
    path.write_text("while True: pass")
    assert "02_relu.py: no end after 2 s: is there an endless loop?" in refused(path)


def test_code_that_crashes_is_one_line(folder, refused):
    path = folder / "02_relu.py"
    path.write_text("import os; os._exit(139)")
    assert "02_relu.py: it crashed: " in refused(path)


def test_an_exception_in_the_training_is_one_line(folder, monkeypatch):
    monkeypatch.setattr(trial, "BASE", trial.BASE + " --dataset digits")
    lesson = LESSONS["02_relu.py"]
    path = folder / lesson.name
    path.write_text(lesson.text.replace("return np.max", "1 / (len(x) < 99); return np.max"))
    trial.load(path)
    with pytest.raises(nn.NpNNError, match=r"^line \d+: ZeroDivisionError"):
        trial.train(path)


def test_ctrl_c_ends_the_readers_code(folder):
    path = folder / "02_relu.py"
    path.write_text("print('running', flush=True)\nwhile True: pass")
    command = [sys.executable, "-m", "np_nn", "check", path]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    ) as process:  # fmt: skip
        assert process.stdout.readline() == "running\n"
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.count("\n") == 1


def test_the_readers_traceback_is_shown_on_request(folder, run):
    path = folder / "02_relu.py"
    path.write_text("def inner():\n    return 1 / 0\ninner()")
    status, _, err = run(check.main, path, "--traceback")
    assert status == 2
    assert "in inner" in err
    assert err.splitlines()[-1].endswith("02_relu.py: line 2: ZeroDivisionError: division by zero")


def test_training_with_the_chain_runs_its_own_loop(folder, tmp_path, monkeypatch):
    """Lesson 5 replaces the whole training loop, also where no kernel is built."""
    monkeypatch.delenv("NP_NN_DATA", raising=False)
    monkeypatch.setenv("NP_NN_CACHE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    lesson = LESSONS["05_chain.py"]
    path = folder / lesson.name
    path.write_text(lesson.text.replace("loss = reference", "reference.ran = loss = reference"))
    monkeypatch.setattr(trial, "BASE", trial.BASE.replace("--steps 300", "--steps 20"))
    _, _, rows = trial.train(path)
    assert vars(reference).pop("ran")
    (_, own, steps, _), (_, numpy, *_), *_ = rows
    assert (steps, own) == (20, pytest.approx(numpy, abs=0.01))
