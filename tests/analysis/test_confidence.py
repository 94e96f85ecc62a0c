"""Outputs as probabilities, according to the network's last layer and its loss."""

import numpy as np
import pytest

import np_nn as nn
from np_nn.analysis.confidence import confidences
from np_nn.saving.model_info import ModelInfo

SHARES = np.float32([[0.7, 0.2, 0.1]])


@pytest.mark.parametrize(
    ("last", "outputs"),
    [
        ((), np.log(SHARES) + 3),
        ((nn.LogSoftmax(),), np.log(SHARES)),
        ((nn.Softmax(),), SHARES),
        ((nn.Sequential(nn.Softmax()),), SHARES),
    ],
    ids=["logits", "log_softmax", "softmax", "softmax in a block"],
)
def test_outputs_become_probabilities(last, outputs):
    values, sure = confidences(nn.Sequential(nn.Linear(2, 3), *last), outputs)
    assert sure
    np.testing.assert_allclose(values, SHARES, rtol=1e-6)


def test_sigmoids_and_learnt_values_are_scores():
    outputs, model = np.float32([[0.9, 0.8]]), nn.Sequential(nn.Linear(2, 2))
    cases = [nn.Sequential(nn.Linear(2, 2), nn.Sigmoid()), model]
    model.info = ModelInfo(recipe={"loss": "mse"})
    for case in cases:
        values, sure = confidences(case, outputs)
        assert (values is outputs, sure) == (True, False)
    model.info = ModelInfo(recipe={"loss": "cross_entropy:label_smoothing=0.1"})
    assert confidences(model, outputs)[1]
