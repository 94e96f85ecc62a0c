"""Schedules that PyTorch lacks, and invalid settings. The others are in test_parity.py."""

import pytest

import np_nn as nn
from np_nn.optim import schedules


@pytest.mark.parametrize("name", schedules.SCHEDULES)
@pytest.mark.parametrize("steps", [1, 2, 7, 1000])
def test_every_default_is_a_share(name, steps):
    schedule = schedules.SCHEDULES[name]()
    rates = [schedule(step, steps) for step in range(steps)]
    assert all(0 <= rate <= 1 + 1e-12 for rate in rates)
    assert max(rates) > 0


def test_lengths_below_one_are_shares_of_the_run():
    assert nn.StepLR(0.5)(49, 100) == 1
    assert nn.StepLR(0.5)(50, 100) == pytest.approx(0.1)
    assert nn.ExponentialLR(0.5, 0.1)(20, 100) == pytest.approx(0.25)


@pytest.mark.parametrize(
    "make",
    [
        lambda: nn.StepLR(0),
        lambda: nn.StepLR(3, -0.1),
        lambda: nn.ExponentialLR(float("nan")),
        lambda: nn.CosineAnnealingWarmRestarts(7, 0.5),
        lambda: nn.CyclicLR(mode="square"),
        lambda: nn.OneCycleLR(1.0),
        lambda: nn.OneCycleLR(anneal_strategy="cosine"),
        lambda: nn.WarmupLinear(0),
        lambda: nn.WarmupLinear(1),
    ],
)
def test_bad_settings(make):
    with pytest.raises(nn.NpNNError):
        make()


def test_the_rate_reaches_the_optimizer(digits):
    model = nn.mlp((784, 10))
    optimizer = nn.SGD(model.parameters(), lr=0.1)
    before = model.state_dict()
    plan = {"steps": 4, "batch_size": 20, "seed": 0, "quiet": True, "schedule": nn.StepLR(1, 0.0)}
    nn.fit(model, digits.train, nn.CrossEntropyLoss(), optimizer, **plan)
    once = model.state_dict()
    model.load_state_dict(before)
    optimizer = nn.SGD(model.parameters(), lr=0.1)
    nn.fit(model, digits.train, nn.CrossEntropyLoss(), optimizer, **plan | {"schedule": None})
    assert any((once[name] != array).any() for name, array in model.state_dict().items())
