"""Rosenblatt's perceptron, and the arithmetic of one unit."""

import numpy as np
import pytest
from sklearn.linear_model import Perceptron as Theirs

import np_nn as nn

CORNERS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])


def test_perceptron_learns_and():
    perceptron = nn.Perceptron(2).fit(CORNERS, [0, 0, 0, 1])
    assert perceptron.predict(CORNERS).tolist() == [0, 0, 0, 1]
    assert perceptron.mistakes[-1] == 0


def test_perceptron_cannot_learn_xor():
    perceptron = nn.Perceptron(2).fit(CORNERS, [0, 1, 1, 0], epochs=50)
    assert len(perceptron.mistakes) == 50
    assert min(perceptron.mistakes) > 0


def test_perceptron_makes_scikit_learns_steps():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(50, 3))
    y = (x @ [1.0, -2.0, 0.5] + 0.3 * rng.normal(size=50) > 0.1).astype(int)
    ours = nn.Perceptron(3, lr=0.5).fit(x, y, epochs=7)
    theirs = Theirs(eta0=0.5, shuffle=False, max_iter=7, tol=None).fit(x, y)
    assert np.allclose(ours.weight, theirs.coef_[0])
    assert ours.bias == pytest.approx(theirs.intercept_[0])


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (CORNERS[:, :1], [0, 1, 0, 1], r"expects \(N, 2\), got \(4, 1\)"),
        (CORNERS * np.nan, [0, 1, 0, 1], "NaN or infinite"),
        (CORNERS, [0, 1, 2, 1], "labels 0 or 1"),
        (CORNERS, [0, 1], "labels 0 or 1"),
        (CORNERS[:0], [], "expects"),
    ],
)
def test_perceptron_refuses_what_does_not_fit(x, y, message):
    with pytest.raises(nn.NpNNError, match=message):
        nn.Perceptron(2).fit(x, y)


@pytest.mark.parametrize(("inputs", "lr"), [(0, 1), (2, 0), (2, np.inf), (2, -1)])
def test_perceptron_refuses_bad_settings(inputs, lr):
    with pytest.raises(nn.NpNNError, match=r"Perceptron: (inputs|lr) must be"):
        nn.Perceptron(inputs, lr)


def test_a_neuron_explains_its_arithmetic():
    neuron = nn.Neuron(2, "relu")
    neuron.load_state_dict({"weight": np.array([[0.5, -1.0]]), "bias": np.array([0.25])})
    text = neuron.explain([2.0, 0.5])
    assert text == "weighted sum: (0.5)(2) + (-1)(0.5) + 0.25 = 0.75\noutput: relu(0.75) = 0.75"
    assert neuron(np.array([[2.0, 0.5]]))[0, 0] == 0.75


def test_a_neuron_refuses_what_does_not_fit():
    with pytest.raises(nn.NpNNError, match="did you mean 'tanh'"):
        nn.Neuron(2, "tan")
    with pytest.raises(nn.NpNNError, match="at least 1"):
        nn.Neuron(0)
    with pytest.raises(nn.NpNNError, match=r"expects \(batch, 2\), got \(1, 3\)"):
        nn.Neuron(2)(np.zeros((1, 3)))
