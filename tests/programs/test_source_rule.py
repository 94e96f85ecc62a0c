"""reproduction/experiments/source_rule.py: its steps are those of loops over images and units."""

import importlib
import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import np_nn as nn
from np_nn.recipes.prepare import prepare

EXPERIMENTS = Path(__file__).resolve().parents[2] / "reproduction" / "experiments"


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(EXPERIMENTS)
    return importlib.import_module("source_rule")


def sums(weights, biases, images, targets):
    """Return the source's sums for one batch: of each layer's weights, and one for its biases."""
    of_weights, of_biases = [np.zeros_like(W) for W in weights], [0.0] * len(weights)
    for x, t in zip(images, targets, strict=True):
        outputs = [x]
        for W, b in zip(weights, biases, strict=True):
            totals = [outputs[-1] @ W[:, unit] + b[unit] for unit in range(W.shape[1])]
            outputs.append(np.array([1 / (1 + math.exp(-total)) for total in totals]))
        e = t - outputs[-1]
        for layer in reversed(range(len(weights))):
            o, below = outputs[layer + 1], outputs[layer]
            for unit in range(len(o)):
                of_weights[layer][:, unit] += e[unit] * o[unit] * (1 - o[unit]) * below
                of_biases[layer] += e[unit] * o[unit] * (1 - o[unit]) / len(images)
            e = weights[layer] @ e
    return of_weights + of_biases


def change(name, lr, g, held, t):
    """Return the change of parameters whose sum is g; held: a dict of averages, updated."""
    if name == "gd":
        return lr * g
    if name == "momentum":
        held["v"] = 0.7 * held.get("v", 0) + 0.3 * g
        return lr * held["v"]
    if name == "adagrad":
        held["s"] = held.get("s", 0) + g**2
        return lr * g / (np.sqrt(held["s"]) + 1e-8)
    held["v"] = 0.9 * held.get("v", 0) + 0.1 * g
    held["s"] = 0.999 * held.get("s", 0) + 0.001 * g**2
    return lr * held["v"] / (1 - 0.9**t) / (np.sqrt(held["s"] / (1 - 0.999**t)) + 1e-8)


@pytest.mark.parametrize(
    ("row", "rate"),
    [("gd_1000", 1e-4), ("momentum_1000", 1e-4), ("adagrad_100", 0.1), ("adam_100", 1e-3)],
)
def test_two_epochs_are_those_of_loops(script, digits, row, rate):
    small = {"hidden": (5, 4), "batch_size": 10, "epochs": 2, "init": "fan_out_normal"}
    settings = replace(script.published(row), **small)
    train = nn.Split(digits.train.images[:20], digits.train.labels[:20])
    data = prepare(settings, replace(digits, train=train))
    model = script.network(settings, data, 0)
    parameters = [layer.weight for layer in model] + [layer.bias for layer in model if layer.bias]
    before = [p.data.copy() for p in parameters]
    script.train(model, settings, data, quiet=True)

    expected, held = [p.astype(float) for p in before], [{} for _ in before]
    images = data.train.images.reshape(20, -1) * settings.scale + settings.shift
    for batch in (0, 1, 0, 1):  # in the order of the file; Adam counts each epoch from 1
        chosen = slice(10 * batch, 10 * batch + 10)
        biases = expected[3:] or [np.zeros(W.shape[1]) for W in expected]
        found = sums(expected[:3], biases, images[chosen], data.train.labels[chosen])
        for p, g, averages in zip(expected, found, held, strict=False):  # no biases: no change
            p += change(row.partition("_")[0], rate, g, averages, batch + 1)
    for p, start, wanted in zip(parameters, before, expected, strict=True):
        size = np.abs(wanted - start).max()
        assert size > 0
        np.testing.assert_allclose(p.data - start, wanted - start, rtol=0, atol=0.01 * size)


@pytest.mark.kernel_independent
def test_a_quick_run_prints_each_network_and_the_mean(script, capsys):
    rows = ["gd_1000", "adam_1"]
    assert script.main([*rows, "--quick", "--seeds", "2", "--quiet", "--threads", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in lines] == [
        text for row in rows for text in (f"{row}, seed 0", f"{row}, seed 1", row)
    ]
    pattern = r"adam_1: 0\.\d{4} ± 0\.\d{4} \(n=2\) by the source's rule, published 0\.9668, by "
    assert re.match(pattern, lines[-1])


@pytest.mark.kernel_independent
def test_ctrl_c_keeps_what_was_found(script, monkeypatch, capsys):
    def stop(self, training):
        if training.history.epochs:
            raise KeyboardInterrupt

    monkeypatch.setattr(script.RestartedCount, "on_epoch_begin", stop)
    assert script.main(["gd_1000", "adam_1", "--quick", "--quiet", "--threads", "1"]) == 130
    (line,) = capsys.readouterr().out.splitlines()
    assert re.match(r"gd_1000, seed 0: 0\.\d{4} \(1 of 2 epochs, ", line)


@pytest.mark.kernel_independent
def test_an_unknown_row_ends_in_one_line(script, capsys):
    with pytest.raises(SystemExit) as stop:
        script.main(["sigmoid_500"])
    assert stop.value.code == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
