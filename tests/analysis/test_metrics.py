"""np_nn.analysis.metrics: metrics of outputs, compared with cases counted by hand."""

import numpy as np
import pytest

import np_nn as nn
from np_nn.analysis import metrics
from np_nn.analysis.metrics import Scores, calibration

pytestmark = pytest.mark.kernel_independent


def two_classes(sure, right):
    """Return scores with these confidences, whose answers are right or wrong."""
    sure = np.array(sure)
    return Scores(np.stack([sure, 1 - sure], axis=1), 1 - np.array(right, int), True)


def test_logits_become_probabilities():
    found = metrics.read(np.log([[1.0, 3.0], [1.0, 1.0]]), np.array([1, 0]))
    np.testing.assert_allclose(found.values, [[0.25, 0.75], [0.5, 0.5]])
    assert found.answers.tolist() == [1, 0]
    assert found.form.format(found.values[0, 1]) == "75.0%"


def test_values_stay_scores():
    found = metrics.read(np.array([[0.9, 0.2], [0.1, 0.3]]), np.eye(2)[[1, 1]])
    assert found.labels.tolist() == [1, 1]
    assert found.form.format(found.values[0, 0]) == "0.90"
    with pytest.raises(nn.NpNNError, match="train with a loss of classes"):
        calibration(found)


def test_class_accuracy_counts_by_class():
    values = np.eye(4)[[0, 0, 1, 2, 2]]
    accuracy, low, high = Scores(values, np.array([0, 1, 1, 2, 0]), True).class_accuracy()
    np.testing.assert_array_equal(accuracy, [0.5, 0.5, 1.0, np.nan])
    assert np.isnan([low[3], high[3]]).all()


def test_class_accuracy_has_wilsons_interval():
    """81 of 263 gives 0.2553 to 0.3662 (Newcombe 1998, table I, method 3)."""
    labels = np.zeros(263, int)
    values = np.eye(2)[(np.arange(263) >= 81).astype(int)]
    _, low, high = Scores(values, labels, True).class_accuracy()
    assert (round(low[0], 4), round(high[0], 4)) == (0.2553, 0.3662)


def test_calibration_by_hand():
    """Four bins: 0.6, 0.7 and 0.75, its upper end, are in the third, 1 is in the last."""
    found = calibration(two_classes([0.6, 0.7, 0.75, 0.9, 1.0], [1, 0, 1, 1, 1]), bins=4)
    assert found.counts.tolist() == [0, 0, 3, 2]
    np.testing.assert_allclose(found.confidence, [np.nan, np.nan, 2.05 / 3, 0.95])
    np.testing.assert_allclose(found.accuracy, [np.nan, np.nan, 2 / 3, 1.0])
    assert found.error == pytest.approx((abs(2 - 2.05) + abs(2 - 1.9)) / 5)


def test_an_honest_network_has_no_calibration_error():
    right = np.arange(1000) % 10 < 7
    assert calibration(two_classes(np.full(1000, 0.7), right)).error == pytest.approx(0)
    assert calibration(two_classes(np.full(1000, 0.9), right)).error == pytest.approx(0.2)


# ---- recalls and pairs


def test_recalls_are_by_class_and_none_without_samples():
    values = np.eye(4)[[0, 0, 1, 2, 2]]
    scores = Scores(values, np.array([0, 1, 1, 2, 0]), True)
    assert metrics.recalls(scores) == {0: 0.5, 1: 0.5, 2: 1.0, 3: None}


def test_the_worst_pairs_come_first_and_right_answers_never():
    counts = np.array([[9, 1, 0], [4, 0, 0], [0, 2, 99]])
    assert metrics.worst_pairs(counts, 2) == [(1, 0, 4), (2, 1, 2)]
    assert metrics.worst_pairs(counts, 99) == [(1, 0, 4), (2, 1, 2), (0, 1, 1)]
    assert metrics.worst_pairs(np.eye(3, dtype=int), 5) == []
