"""The L2 penalty of fit: on weights only, in the loss, and the same on every path."""

import numpy as np
import pytest

import np_nn as nn

OPTIMIZERS = {
    "sgd": lambda p: nn.SGD(p, lr=0.1),
    "momentum": lambda p: nn.SGD(p, lr=0.02, momentum=0.9, nesterov=True),
    "adam": lambda p: nn.Adam(p, lr=0.005),
    "adam, eps first": lambda p: nn.Adam(p, lr=0.005, eps=0.01, eps_hat=True),
    "adamw": lambda p: nn.AdamW(p, lr=0.005, weight_decay=0.1),
}


def train(digits, optimizer, l2, input, loss=None, **options):
    model = nn.initialize(nn.mlp((784, 12, 10)), "torch", seed=0)
    data = nn.Split(digits.train.images[:330], digits.train.labels[:330], 1 / 255)
    plan = {"epochs": 3, "batch_size": 64, "seed": 0, "quiet": True} | options
    loss = loss or nn.CrossEntropyLoss()
    history = nn.fit(model, data, loss, optimizer(model.parameters()), l2=l2, input=input, **plan)
    return model, history


def squares(model):
    return sum(np.sum(p.data.astype(float) ** 2) for p in model.parameters() if p.data.ndim > 1)


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_sparse_and_dense_steps_are_the_same(digits, optimizer):
    (a, sparse), (b, dense) = (train(digits, optimizer, 1.0, i) for i in ("sparse", "dense"))
    np.testing.assert_allclose(sparse.loss, dense.loss, rtol=2e-3)
    for name, array in a.state_dict().items():
        np.testing.assert_allclose(array, b.state_dict()[name], atol=2e-4)


@pytest.mark.parametrize("input", ["sparse", "dense"])
def test_the_first_step_by_hand(digits, input):
    """One step of plain SGD on all 330 images: weights shrink by lr * alpha / n, biases do not."""
    plan = {"epochs": 1, "batch_size": 330}
    plain, without = train(digits, OPTIMIZERS["sgd"], 0.0, input, **plan)
    model, with_l2 = train(digits, OPTIMIZERS["sgd"], 33.0, input, **plan)
    start = nn.initialize(nn.mlp((784, 12, 10)), "torch", seed=0)
    for p, q, first in zip(model.parameters(), plain.parameters(), start.parameters(), strict=True):
        shrunk = 0.1 * 33 / 330 * first.data if p.data.ndim > 1 else 0
        np.testing.assert_allclose(p.data, q.data - shrunk, atol=1e-6)
    penalty = 33 / 330 / 2 * squares(start)
    assert with_l2.loss[0] == pytest.approx(without.loss[0] + penalty, rel=1e-5)


@pytest.mark.parametrize("alpha", [-1, np.inf, np.nan])
def test_bad_alpha(digits, alpha):
    with pytest.raises(nn.NpNNError, match=r"l2 must be .*finite"):
        train(digits, OPTIMIZERS["sgd"], alpha, "auto")


def test_an_order_takes_the_place_of_shuffling(digits):
    from np_nn.data.batches import Batches

    orders = iter([np.arange(5), np.arange(5)[::-1]])
    batches = list(Batches(5, 2, epochs=2, order=lambda: next(orders)))
    assert [batch.tolist() for batch in batches] == [[0, 1], [2, 3], [4], [4, 3], [2, 1], [0]]
    runs = [
        train(digits, OPTIMIZERS["sgd"], 0.0, "auto", order=lambda: np.arange(330), seed=seed)[1]
        for seed in (0, 1)
    ]
    assert np.array_equal(runs[0].loss, runs[1].loss)
