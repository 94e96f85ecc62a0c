"""The optimizer's lr is the user's base rate: training reads it and never writes it."""

import json

import numpy as np
import pytest

import np_nn as nn
from np_nn.utils import archive

PLAN = {"batch_size": 20, "seed": 0, "quiet": True, "input": "sparse"}
COSINE = nn.CosineAnnealingLR()


def start(lr=0.1):
    model = nn.initialize(nn.mlp((784, 12, 10)), "torch", seed=0)
    return model, nn.SGD(model.parameters(), lr, momentum=0.9)


def fit(digits, model, optimizer, **options):
    data = nn.Split(digits.train.images[:200], digits.train.labels[:200])
    options = {"steps": 20} | PLAN | options
    return nn.fit(model, data, nn.CrossEntropyLoss(), optimizer, **options)


def bits(model):
    return b"".join(array.tobytes() for array in model.state_dict().values())


class SetRate(nn.Callback):
    """Callback that sets the base rate after a step, and records the rate of each step."""

    def __init__(self, step, lr):
        self.at, self.lr, self.seen = step, lr, []

    def on_batch_end(self, training):
        self.seen.append(training.rate)
        if training.history.done == self.at:
            training.optimizer.lr = self.lr


def test_a_rate_of_0_between_two_fits_changes_nothing(digits):
    model, optimizer = start()
    fit(digits, model, optimizer)
    before, optimizer.lr = bits(model), 0.0
    fit(digits, model, optimizer)
    assert bits(model) == before
    assert "lr=0.0" in repr(optimizer)


@pytest.mark.parametrize("schedule", [None, COSINE])
def test_a_fit_leaves_the_base_rate_for_the_next(digits, schedule):
    (one, of_one), (two, of_two) = start(), start()
    for seed in range(2):
        fit(digits, one, of_one, schedule=schedule, seed=seed)
        assert of_one.lr == 0.1
        of_two.lr = 0.1
        fit(digits, two, of_two, schedule=schedule, seed=seed)
    assert bits(one) == bits(two)


def test_a_state_brings_its_rate(digits):
    _, slow = start(lr=0.01)
    (wanted, of_wanted), (model, optimizer) = start(lr=0.01), start(lr=0.1)
    optimizer.load_state_dict(slow.state_dict())
    fit(digits, wanted, of_wanted)
    fit(digits, model, optimizer)
    assert bits(model) == bits(wanted)
    with pytest.raises(nn.NpNNError, match="lr must be finite and not below 0, got -1"):
        optimizer.load_state_dict(slow.state_dict() | {"lr": -1.0})


def test_a_callback_sets_the_rate_from_the_next_step_on(digits):
    model, optimizer = start()
    setter = SetRate(7, 0.02)
    fit(digits, model, optimizer, schedule=COSINE, callbacks=[setter])
    shares = np.array([COSINE(step, 20) for step in range(20)])
    assert np.allclose(setter.seen, shares * np.where(np.arange(20) < 7, 0.1, 0.02), rtol=1e-12)
    assert optimizer.lr == 0.02

    other, optimizer = start()

    def same(step, steps):
        return COSINE(step, steps) * (1 if step < 7 else 0.2)

    fit(digits, other, optimizer, schedule=same)
    assert np.allclose(bits_of(model), bits_of(other), rtol=1e-4, atol=1e-6)


def bits_of(model):
    return np.concatenate([array.ravel() for array in model.state_dict().values()])


@pytest.mark.parametrize("lr", [-0.1, np.nan, np.inf, 10**400, "0.1", None, 1j, [0.1, -1]])
def test_a_rate_that_is_none_is_refused(lr):
    _, optimizer = start()
    with pytest.raises(nn.NpNNError, match="SGD: lr must be"):
        optimizer.lr = lr
    assert optimizer.lr == 0.1


def test_step_takes_a_rate_for_once():
    (one, of_one), (two, of_two) = start(lr=0.5), start(lr=0.1)
    for model in (one, two):
        for p in model.parameters():
            p.grad[...] = 1
    of_one.step()
    of_two.step(np.float64(0.5))
    assert bits(one) == bits(two)
    assert of_two.lr == 0.1


class Stop(nn.Callback):
    every = 8

    def on_batch_end(self, training):
        training.stop = True


@pytest.mark.parametrize("older", [False, True])
def test_a_run_under_cosine_resumes_to_the_bit(digits, tmp_path, older):
    """Older files hold the rate of the last step in place of the base rate."""
    path = tmp_path / "run"
    (whole, of_whole), (stopped, of_stopped), (model, optimizer) = start(), start(), start()
    fit(digits, whole, of_whole, schedule=COSINE)
    fit(digits, stopped, of_stopped, schedule=COSINE, callbacks=[nn.Checkpoint(path, 8), Stop()])
    state = archive.read(path)
    assert state["optimizer"]["lr"] == 0.1
    assert state["rate"] == pytest.approx(0.1 * COSINE(7, 20))
    if older:
        state["optimizer"]["lr"] = state.pop("rate")
        archive.write(path, state)
    fit(digits, model, optimizer, schedule=COSINE, resume=path)
    assert bits(model) == bits(whole)
    assert optimizer.lr == 0.1


def test_a_resumed_run_keeps_the_rate_that_a_callback_set(digits, tmp_path):
    path = tmp_path / "run"
    (whole, of_whole), (stopped, of_stopped), (model, optimizer) = start(), start(), start()
    fit(digits, whole, of_whole, callbacks=[SetRate(5, 0.02)])
    seen = [SetRate(5, 0.02), nn.Checkpoint(path, 8), Stop()]
    fit(digits, stopped, of_stopped, callbacks=seen)
    fit(digits, model, optimizer, resume=path)
    assert bits_of(model) == pytest.approx(bits_of(whole), rel=1e-4, abs=1e-6)
    assert optimizer.lr == 0.02


def test_loggers_and_observers_show_the_rate_of_the_step(digits, tmp_path):
    model, optimizer = start()
    logger = nn.JSONLogger(tmp_path / "log.jsonl")
    observer = nn.Observer(digits.train, every=1)
    fit(digits, model, optimizer, schedule=COSINE, callbacks=[logger, observer])
    rates = [0.1 * COSINE(step, 20) for step in range(20)]
    assert [one.lr for one in observer.observations] == pytest.approx([0.1, *rates])
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["learning_rate"] for line in lines] == pytest.approx([rates[9], rates[19]])
