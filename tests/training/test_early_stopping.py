"""Early stopping, and the validation split that it watches."""

import numpy as np
import pytest

import np_nn as nn
from np_nn.training.early_stopping import Best


def fit(digits, epochs=30, lr=0.05, **options):
    train = nn.Split(digits.train.images[:1000], digits.train.labels[:1000], digits.train.scale)
    held_out = nn.Split(digits.train.images[1000:], digits.train.labels[1000:], train.scale)
    nn.manual_seed(0)
    model = nn.mlp((784, 16, 10))
    optimizer = nn.SGD(model.parameters(), lr=lr, momentum=0.9)
    options = {"batch_size": 50, "epochs": epochs, "seed": 0, "quiet": True, **options}
    history = nn.fit(model, train, nn.CrossEntropyLoss(), optimizer, validation=held_out, **options)
    return model, held_out, history


def test_every_epoch_is_validated_and_changes_nothing(digits):
    model, held_out, history = fit(digits, epochs=3)
    assert [step for step, _ in history.validation] == [20, 40, 60]
    assert history.validation[-1][1] == nn.evaluate(model, held_out)
    without = nn.mlp((784, 16, 10))
    nn.manual_seed(0)
    without = nn.mlp((784, 16, 10))
    train = nn.Split(digits.train.images[:1000], digits.train.labels[:1000], held_out.scale)
    optimizer = nn.SGD(without.parameters(), lr=0.05, momentum=0.9)
    plan = {"batch_size": 50, "epochs": 3, "seed": 0, "quiet": True}
    nn.fit(without, train, nn.CrossEntropyLoss(), optimizer, **plan)
    for name, array in model.state_dict().items():
        assert np.array_equal(array, without.state_dict()[name])


def test_training_stops_and_returns_to_the_best_weights(digits):
    rule = nn.EarlyStopping(patience=3)
    model, held_out, history = fit(digits, epochs=200, lr=0.2, early_stopping=rule)
    scores = [result.accuracy for _, result in history.validation]
    assert history.stopped_early
    assert history.done < history.steps
    assert len(scores) - 1 - int(np.argmax(scores)) == 3
    assert nn.evaluate(model, held_out).accuracy == max(scores)


def test_the_rule_counts_epochs_without_improvement():
    best = Best(nn.EarlyStopping(2, min_delta=0.1, monitor="loss"), nn.Linear(1, 1))
    losses = [1.0, 0.8, 0.75, 0.6, 0.61, 0.62]
    stops = [best.update(nn.Evaluation(0.0, loss)) for loss in losses]
    assert stops == [False, False, False, False, False, True]


@pytest.mark.parametrize(
    "settings", [{"patience": 0}, {"min_delta": -1}, {"min_delta": np.nan}, {"monitor": "luck"}]
)
def test_bad_settings(settings):
    with pytest.raises(nn.NpNNError, match="EarlyStopping"):
        nn.EarlyStopping(**settings)


def test_it_needs_something_to_watch(digits):
    model = nn.mlp((784, 10))
    with pytest.raises(nn.NpNNError, match="needs a validation split"):
        nn.fit(
            model, digits.train, nn.CrossEntropyLoss(), nn.SGD(model.parameters()),
            epochs=1, early_stopping=nn.EarlyStopping(),
        )  # fmt: skip
