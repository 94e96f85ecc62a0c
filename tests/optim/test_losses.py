"""Losses: targets, decisions, weights, and invalid input."""

import numpy as np
import pytest

import np_nn as nn
from np_nn.recipes import build

OUTPUTS = np.array([[0.2, 0.7], [0.9, 0.1], [0.4, 0.6]], np.float32)


def test_one_hot():
    targets = nn.one_hot([2, 0], 3, low=0.01, high=0.99)
    assert targets.dtype == np.float32
    assert np.allclose(targets, [[0.01, 0.01, 0.99], [0.99, 0.01, 0.01]])
    with pytest.raises(nn.NpNNError, match=r"labels must be 0\.\.2, got 1\.\.3"):
        nn.one_hot([1, 3], 3)


def test_balanced_weights_are_scikit_learns():
    from sklearn.utils.class_weight import compute_class_weight

    labels = np.array([0, 0, 0, 1, 2, 2])
    theirs = compute_class_weight("balanced", classes=np.arange(3), y=labels)
    assert np.allclose(build.balanced_weights(labels, 3), theirs)
    with pytest.raises(nn.NpNNError, match="class 3 has no training sample"):
        build.balanced_weights(labels, 4)


@pytest.mark.parametrize("kind", [nn.CrossEntropyLoss, nn.NLLLoss, nn.FocalLoss])
def test_decisions_about_classes(kind):
    assert kind.count_correct(OUTPUTS, np.array([1, 1, 1])) == 2


def test_decisions_about_values():
    assert nn.MSELoss().count_correct(OUTPUTS, nn.one_hot([1, 1, 1], 2)) == 2
    column, wanted = OUTPUTS[:, :1], np.array([[0.0], [1.0], [1.0]])
    assert nn.BCELoss().count_correct(column, wanted) == 2
    assert nn.BCEWithLogitsLoss().count_correct(column - 0.3, wanted) == 3


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nn.CrossEntropyLoss(label_smoothing=1.5), "label_smoothing must be at most 1"),
        (lambda: nn.CrossEntropyLoss(reduction="none"), "unknown reduction .none."),
        (lambda: nn.CrossEntropyLoss(weight=[1, -1]), "weight must be"),
        (lambda: nn.FocalLoss(gamma=-1), "gamma"),
        (lambda: nn.NLLLoss(weight=[1, 1, 1])(OUTPUTS, np.array([0, 1, 1])), "3 weights for 2"),
        (lambda: nn.CrossEntropyLoss()(OUTPUTS, np.array([0.0, 1, 1])), "must be integers"),
        (lambda: nn.FocalLoss()(OUTPUTS, np.array([0, 1, 2])), r"labels must be 0\.\.1"),
        (lambda: nn.MSELoss()(OUTPUTS, OUTPUTS[:2]), r"of one shape, got \(3, 2\) and \(2, 2\)"),
        (lambda: nn.MSELoss()(OUTPUTS[:0], OUTPUTS[:0]), "empty batch"),
        (lambda: nn.BCELoss()(2 * OUTPUTS, OUTPUTS), "outputs of 0..1"),
        (lambda: nn.BCELoss()(OUTPUTS, 2 * OUTPUTS), "targets must be 0..1"),
        (lambda: nn.BCELoss()(OUTPUTS * np.nan, OUTPUTS), "outputs of 0..1"),
        (lambda: nn.BCEWithLogitsLoss()(OUTPUTS, -OUTPUTS), "targets must be 0..1"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(nn.NpNNError, match=message):
        call()


def test_certain_outputs_do_not_overflow():
    outputs, targets = np.array([[1e4, -1e4]]), np.array([[0.0, 1.0]])
    assert nn.BCEWithLogitsLoss()(outputs, targets) == pytest.approx(1e4)
    assert nn.BCELoss()(np.array([[1.0, 0.0]]), targets) == pytest.approx(100)
    assert nn.CrossEntropyLoss()(outputs, np.array([1])) == pytest.approx(2e4)


def torch_mean(loss, outputs, labels):
    """Return PyTorch's loss of the whole set at once."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    from np_nn import torch_twin

    return torch_twin.loss(loss)(torch.tensor(outputs), torch.tensor(labels)).item()


WEIGHTED = [
    nn.CrossEntropyLoss([0, 1, 5, 20]),
    nn.CrossEntropyLoss([0, 1, 5, 20], label_smoothing=0.3),
    nn.NLLLoss([0, 1, 5, 20]),
    nn.FocalLoss([0, 1, 5, 20]),
]


@pytest.mark.parametrize("block", [1, 7, 1000])
@pytest.mark.parametrize("loss", WEIGHTED, ids=repr)
def test_evaluation_is_the_weighted_mean_of_the_set(loss, block, monkeypatch):
    """In any order and block size, also if all samples of a block have weight 0."""
    monkeypatch.setattr("np_nn.training.fit.BLOCK", block)
    rng = np.random.default_rng(0)
    x, labels = rng.normal(size=(101, 6)).astype(np.float32), rng.integers(0, 4, 101)
    last = (nn.LogSoftmax(),) if isinstance(loss, nn.NLLLoss) else ()
    model = nn.initialize(nn.Sequential(nn.Linear(6, 4), *last), "torch", seed=0)
    wanted = torch_mean(loss, model(x), labels)
    for order in (np.arange(101), np.argsort(labels, kind="stable")):
        found = nn.evaluate(model, nn.Split(x[order], labels[order]), loss)
        assert found.loss == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("kind", [nn.CrossEntropyLoss, nn.NLLLoss, nn.FocalLoss])
def test_samples_that_weigh_nothing(kind, kernels):
    """Their sum and its gradient are 0; their weighted mean is undefined."""
    loss, zeros = kind([0, 1], reduction="sum"), np.zeros(3, int)
    assert loss(OUTPUTS, zeros) == 0 == torch_mean(loss, OUTPUTS, zeros)
    assert not loss.backward().any()
    with pytest.raises(nn.NpNNError, match="at least one weight must be above 0"):
        kind([0, 0])
    if kind is not nn.FocalLoss:  # its mean is unweighted
        with pytest.raises(nn.NpNNError, match="all labels are of classes of weight 0"):
            kind([0, 1])(OUTPUTS, zeros)
