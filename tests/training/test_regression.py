"""Regression has no classes, so no accuracy is shown anywhere."""

import io
import json

import numpy as np
import pytest

import np_nn as nn
from np_nn.losses import ValueLoss
from np_nn.training.checkpoint import Checkpoint

LOSSES = [nn.MSELoss, nn.BCELoss, nn.BCEWithLogitsLoss]


def line(n=60):
    """Return samples of y = 2 x."""
    x = np.linspace(-1, 1, n, dtype=np.float32)[:, None]
    return nn.Split(x, 2 * x)


def train(data=None, **options):
    model = nn.initialize(nn.mlp((1, 4, 1)), "torch", seed=0)
    options = {"epochs": 3, "batch_size": 20, "quiet": True} | options
    optimizer = nn.SGD(model.parameters(), lr=0.1)
    return model, nn.fit(model, data or line(), nn.MSELoss(), optimizer, **options)


def test_no_accuracy_is_recorded_evaluated_logged_or_shown(tmp_path, capsys):
    log = tmp_path / "log.jsonl"
    model, history = train(validation=line(30), callbacks=[nn.JSONLogger(log)], quiet=False)
    assert history.accuracy is None
    assert list(history.history) == ["loss", "val_loss"]
    assert history.validation[-1][1].accuracy is None
    assert nn.evaluate(model, line(), nn.MSELoss()).accuracy is None
    for entry in map(json.loads, log.read_text().splitlines()):
        assert {"loss", "val_loss"} <= entry.keys()
        assert not {"accuracy", "val_accuracy"} & entry.keys()
    shown = capsys.readouterr().err
    assert "loss" in shown
    assert "accuracy" not in shown


def test_the_bar_of_a_terminal_shows_none(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr("sys.stderr", terminal := Terminal())
    train(quiet=False)
    assert "loss" in terminal.getvalue()
    assert "accuracy" not in terminal.getvalue()


def test_a_resumed_regression_has_none_either(tmp_path):
    plan = {"validation": line(30)}
    saved = tmp_path / "a.safetensors"
    train(callbacks=[Checkpoint(saved)], **plan)
    _, history = train(epochs=4, resume=saved, **plan)
    assert [seen.accuracy for _, seen in history.validation] == [None] * 4
    assert history.accuracy is None


def test_early_stopping_cannot_watch_what_is_none():
    with pytest.raises(nn.NpNNError, match="no accuracy without classes: EarlyStopping"):
        train(validation=line(30), early_stopping=nn.EarlyStopping())
    _, history = train(validation=line(30), early_stopping=nn.EarlyStopping(monitor="loss"))
    assert len(history.validation) == 3


@pytest.mark.parametrize("kind", LOSSES)
def test_targets_that_stand_for_classes(kind):
    loss, rng = kind(), np.random.default_rng(0)
    assert isinstance(loss, ValueLoss)
    labels = np.array([2, 0, 1, 1])
    classes = [nn.one_hot(labels, 3), nn.one_hot(labels, 3, 0.1, 0.9), np.array([[0.0], [1.0]])]
    for targets in (*classes, nn.one_hot(labels, 3, -1.7, 1.7)):
        assert loss.has_classes(targets)
    several, images = np.array([[1, 1, 0], [0, 1, 0]]), rng.random((4, 2, 2))
    for targets in (2 * labels[:, None], rng.random((9, 1)), rng.random((9, 3)), several, images):
        assert not loss.has_classes(targets)


def test_classes_have_an_accuracy_whatever_the_loss(digits):
    labels = nn.one_hot(digits.test.labels, 10)
    data, model = nn.Split(digits.test.images, labels), nn.mlp((784, 10))
    optimizer = nn.SGD(model.parameters(), lr=0.1)
    history = nn.fit(model, data, nn.MSELoss(), optimizer, epochs=2, batch_size=50, quiet=True)
    assert 0 < history.accuracy.mean() <= 1
    by_class = nn.evaluate(model, digits.test).accuracy
    assert nn.evaluate(model, data, nn.MSELoss()).accuracy == by_class


@pytest.mark.parametrize(("low", "high"), [(0.5, 0.5), (1, 0), (0, np.nan), (0, 1e-300)])
def test_one_hot_is_high_at_the_label(low, high):
    with pytest.raises(nn.NpNNError, match=r"low must be below high|a finite number"):
        nn.one_hot([0, 1], 2, low, high)
