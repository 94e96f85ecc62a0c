"""Errors for bad input name the layer and the input that it takes."""

import numpy as np
import pytest

import np_nn as nn

LINEAR = nn.Linear(3, 2)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: LINEAR(np.zeros((2, 4))), r"Linear\(3, 2\) expects \(batch, 3\), got \(2, 4\)"),
        (lambda: nn.BatchNorm1d(3)(np.zeros((2, 4))), r"expects \(batch, 3\), got \(2, 4\)"),
        (lambda: nn.BatchNorm1d(3)(np.zeros((1, 3))), "more than one sample"),
        (lambda: nn.BatchNorm1d(0), "number of features must be at least 1"),
        (lambda: nn.BatchNorm1d(3, eps=-1), "eps"),
        (lambda: nn.BatchNorm1d(3, momentum=2), "momentum must be 0..1"),
        (lambda: nn.LayerNorm(3)(np.zeros((2, 4))), r"expects \(batch, 3\), got \(2, 4\)"),
        (lambda: nn.Softmax(dim=0), "dim must be 1"),
        (lambda: nn.Softmax()(np.zeros(3)), r"expects \(batch, classes\)"),
        (lambda: nn.LeakyReLU(np.nan), "finite"),
        (lambda: nn.ELU(np.inf), "finite"),
        (
            lambda: nn.Residual(nn.Linear(3, 2))(np.zeros((2, 3))),
            "without a shortcut it must keep the input's shape",
        ),
        (lambda: nn.mlp((3, 2, 2), "rulu"), "did you mean 'relu'"),
        (lambda: nn.mlp((3, 2, 2), norm="bach"), "did you mean 'batch'"),
        (lambda: nn.RMSprop([], alpha=2), "alpha must be 0..1"),
        (lambda: nn.Adadelta([], rho=1.5), "rho must be 0..1"),
        (lambda: nn.Adagrad([], lr=-1), "not below 0"),
        (lambda: nn.SGD([], momentum=-0.5), "momentum must be finite and not below 0"),
    ],
)
def test_bad_input_names_the_layer_and_what_it_wants(call, message):
    with pytest.raises(nn.NpNNError, match=message):
        call()
