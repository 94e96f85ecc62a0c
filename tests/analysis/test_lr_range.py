"""The range test of the learning rate: its suggestion works, and it changes nothing."""

import numpy as np
import pytest

import np_nn as nn
from np_nn.analysis import lr_range
from np_nn.data import Split
from tests.support.trainings import blobs


def parts(*layers, optimizer=nn.SGD, **settings):
    nn.manual_seed(0)
    model = nn.Sequential(*(layers or (nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3))))
    return model, nn.CrossEntropyLoss(), optimizer(model.parameters(), lr=0.003, **settings)


def test_the_suggestion_learns_where_a_thousandth_of_it_does_not_and_the_largest_rate_fails():
    data = blobs()
    model, loss, optimizer = parts(momentum=0.9)
    found = nn.find_lr(model, data, loss, optimizer, batch_size=20)
    assert isinstance(found, nn.LRRange)

    def accuracy(rate):
        model, loss, _ = parts()
        optimizer = nn.SGD(model.parameters(), lr=rate, momentum=0.9)
        nn.fit(model, data, loss, optimizer, epochs=3, batch_size=20, seed=0, quiet=True)
        return nn.evaluate(model, data).accuracy

    assert accuracy(found.suggestion) > 0.95
    assert accuracy(found.suggestion / 1000) < 0.7


def test_rates_grow_by_a_factor_and_the_test_ends_where_the_loss_diverges(digits):
    model, loss, optimizer = parts(nn.Linear(784, 16), nn.ReLU(), nn.Linear(16, 10))
    found = nn.find_lr(model, digits.train, loss, optimizer, low=1e-4, high=1e4, steps=81)
    assert found.rates[:2] == pytest.approx([1e-4, 1e-4 * 10**0.1])
    assert len(found.rates) == len(found.losses) == len(found.smoothed) < 81
    assert found.smoothed[-1] > lr_range.DIVERGED * found.smoothed.min()
    assert found.suggestion == pytest.approx(
        found.rates[found.smoothed.argmin()] / lr_range.MARGIN, rel=0.05
    )


def test_the_rates_are_those_that_the_optimizer_steps_with():
    seen = []

    class Spy(nn.SGD):
        def step(self, lr=None):
            seen.append(lr)
            super().step(lr)

    model, loss, optimizer = parts(optimizer=Spy)
    found = nn.find_lr(model, blobs(), loss, optimizer, steps=30, batch_size=20)
    assert found.rates == pytest.approx(seen)


@pytest.mark.parametrize("optimizer", [nn.SGD, nn.Adam])
def test_everything_is_as_it_was(optimizer):
    layers = nn.Linear(4, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.5), nn.Linear(16, 3)
    model, loss, rule = parts(*layers, optimizer=optimizer)
    data, options = blobs(), {"epochs": 1, "batch_size": 20, "seed": 3, "quiet": True}
    nn.fit(model, data, loss, rule, **options)
    before = model.state_dict(), rule.state_dict(), model.random_state()
    nn.find_lr(model, data, loss, rule, batch_size=20)
    np.testing.assert_equal(before, (model.state_dict(), rule.state_dict(), model.random_state()))
    after = nn.fit(model, data, loss, rule, epochs=1, batch_size=20, quiet=True).loss
    model.load_state_dict(before[0])
    rule.load_state_dict(before[1])
    nn.manual_seed(0)  # fit takes the next seed; find_lr took none
    assert nn.fit(model, data, loss, rule, epochs=1, batch_size=20, quiet=True).loss == (
        pytest.approx(after)
    )


@pytest.mark.kernel_independent
def test_what_cannot_learn_has_no_suggestion():
    images = np.zeros((60, 4), np.float32)
    model, loss, optimizer = parts(nn.Linear(4, 3, bias=False))
    found = nn.find_lr(model, Split(images, np.arange(60) % 3), loss, optimizer, batch_size=20)
    assert found.suggestion is None


@pytest.mark.kernel_independent
def test_a_loss_that_overflows_ends_the_test_too():
    x = 1e3 * np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)
    data, loss = Split(x, x[:, :1]), nn.MSELoss()
    model, _, optimizer = parts(nn.Linear(4, 1))
    weights = model.state_dict()["0.weight"]
    found = nn.find_lr(model, data, loss, optimizer, low=1e-4, high=1e36, steps=3, batch_size=20)
    assert len(found.losses) == 2  # the loss of the third step is infinite
    assert (model.state_dict()["0.weight"] == weights).all()
    with pytest.raises(nn.DivergedError, match="step 1 of"):
        nn.find_lr(model, Split(1e30 * x, data.labels), loss, optimizer, batch_size=20)


@pytest.mark.kernel_independent
@pytest.mark.parametrize(
    "options", [{"low": 0.0}, {"low": 1.0, "high": 0.1}, {"high": np.inf}, {"steps": 1}]
)
def test_rates_that_do_not_grow_are_refused(options):
    with pytest.raises(nn.NpNNError, match="find_lr needs 0 < low < high"):
        nn.find_lr(*parts()[:1], blobs(), *parts()[1:], **options)


@pytest.mark.kernel_independent
def test_smoothing_is_a_moving_average_from_the_first_step_on():
    values = np.array([4.0, 2.0, 8.0])
    w = lr_range.SMOOTHING
    expected = [4, (2 + w * 4) / (1 + w), (8 + w * 2 + w * w * 4) / (1 + w + w * w)]
    assert lr_range.smooth(values) == pytest.approx(expected)
    assert lr_range.smooth(np.full(50, 3.0)) == pytest.approx(np.full(50, 3.0))
