"""Progress of a training: on a terminal, in a notebook, in a log, or none."""

import re
import sys
from types import SimpleNamespace

import numpy as np
import pytest

import np_nn as nn
from np_nn.utils import progress as shown
from np_nn.utils.progress import WIDTH, progress
from tests.support.trainings import blobs, train

pytestmark = pytest.mark.kernel_independent


def steps(count, per_epoch=None, *, held_out=False, loss=0.25, rate=None):
    """Go through a training of so many steps; returns its History."""
    sizes = None if per_epoch is None else np.full(per_epoch, 10)
    with nn.History(count, sizes=sizes) as history:
        for _ in progress(range(count), history, rate=rate):
            history.record(loss, 0.5)
            if held_out and history.done % (per_epoch or count) == 0:
                history.validate(nn.Evaluation(0.75, 0.125))
    return history


def test_a_log_has_a_line_for_each_epoch_under_the_names_of_its_columns(capsys):
    history, _ = train(epochs=12, validation=blobs(30), quiet=False)
    header, *lines = capsys.readouterr().err.splitlines()
    names = header.split()
    assert names == [
        "epoch", "loss", "accuracy", "val_loss", "val_accuracy", "lr", "images/s", "elapsed"
    ]  # fmt: skip
    assert len(lines) == 12
    for epoch, line in enumerate(lines):
        cells = dict(zip(names, line.split(), strict=True))
        assert cells["epoch"] == f"{epoch + 1}/12"
        assert cells["lr"] == "0.1"
        for name, values in history.history.items():
            assert cells[name] == f"{values[epoch]:.4f}"
        speed = 300 / history.measures(epoch)["seconds"]
        assert cells["images/s"] == f"{speed:,.0f}"


def test_quiet_is_quiet(capsys):
    train(epochs=12, quiet=True)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("epochs", [1, 9, 1234])
@pytest.mark.parametrize("loss", [2.5e-9, 12.3456, 1.2345e30])
def test_no_line_is_longer_than_a_terminal(capsys, epochs, loss):
    steps(epochs, 1, held_out=True, loss=loss, rate=lambda: 1.2345e-5)
    lines = capsys.readouterr().err.splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert len({len(line) for line in lines if "step" not in line}) == 1  # aligned columns


def test_many_epochs_do_not_flood_a_log(capsys):
    steps(1000, 1)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 + 100  # the header, and every tenth epoch
    assert lines[-1].split()[0] == "1000/1000"


def test_the_last_of_many_epochs_is_always_shown(capsys):
    steps(1003, 1)
    assert capsys.readouterr().err.splitlines()[-1].split()[0] == "1003/1003"


def test_a_log_of_few_epochs_has_lines_within_them(capsys):
    steps(40)
    *within, header, last = capsys.readouterr().err.splitlines()
    assert [line.split("  loss")[0] for line in within] == [
        f"step {step:>6} of 40" for step in range(4, 40, 4)
    ]
    assert header.split()[:2] == ["epoch", "loss"]
    assert last.split()[:3] == ["1/1", "0.2500", "0.5000"]


def test_without_classes_and_held_out_images_there_are_no_columns_for_them(capsys):
    with nn.History(4, classes=False) as history:
        for _ in progress(range(4), history):
            history.record(0.25, 0.0)
    assert capsys.readouterr().err.splitlines()[-2].split() == [
        "epoch", "loss", "images/s", "elapsed"
    ]  # fmt: skip


def test_the_last_epoch_is_shown_where_training_stops_early(capsys):
    class Stop(nn.Callback):
        def on_epoch_end(self, training):
            training.stop = training.epoch == 3

    history, _ = train(None, Stop(), epochs=12, quiet=False)
    assert history.epochs == 3
    assert capsys.readouterr().err.splitlines()[-1].split()[0] == "3/12"


def test_a_resumed_training_shows_the_epochs_that_follow(capsys, tmp_path):
    path = tmp_path / "run"
    train(None, nn.Checkpoint(path), epochs=10)
    train(resume=path, epochs=12, quiet=False)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split()[0] for line in lines] == ["epoch", "11/12", "12/12"]


def test_a_terminal_has_a_bar_of_the_epoch_under_the_lines(capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setattr(shown, "REFRESH_SECONDS", 0)
    steps(6, 3)
    out, err = capsys.readouterr()
    assert not out
    assert "epoch 1/2:  67%" in err
    assert "epoch 2/2:  33%" in err
    assert "2/3 [" in err
    assert "loss 0.2500  accuracy 0.5000" in err
    rows = [row for row in re.split(r"[\r\n]+", err) if re.match(r" *\d/2 +0.2500", row)]
    assert [row.split()[0] for row in rows] == ["1/2", "2/2"]


def test_a_notebook_has_its_own_bar_and_lines_in_its_output(capsys, monkeypatch):
    shell = SimpleNamespace(config={"IPKernelApp": {}})
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    asked, choose = [], shown._tqdm
    monkeypatch.setattr(shown, "_tqdm", lambda notebook: asked.append(notebook) or choose(False))
    steps(6, 3)
    out, _ = capsys.readouterr()
    assert asked == [True]
    assert [line.split()[0] for line in out.splitlines()] == ["epoch", "1/2", "2/2"]


def test_a_notebooks_bar_is_tqdms_automatic_one():
    from tqdm.auto import tqdm

    assert shown._tqdm(True) is tqdm


def test_the_time_of_a_line_is_no_steps(monkeypatch):
    history = nn.History(3, sizes=np.ones(1, int))
    calls = []
    monkeypatch.setattr(history, "restart_clock", lambda: calls.append(history.done))
    with history:
        for _ in progress(range(3), history):
            history.record(0.25, 0.5)
    assert set(calls) == {1, 2, 3}


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.04, "0.0s"), (59.9, "59.9s"), (245.4, "4:05"), (3723, "1:02:03")]
)
def test_times_are_short(seconds, text):
    assert shown._clock(seconds) == text
