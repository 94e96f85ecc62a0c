"""Metrics of a network's answers: accuracy and recall of each class, confusion, calibration."""

from dataclasses import dataclass

import numpy as np

from np_nn.layers import Softmax
from np_nn.utils.errors import NpNNError


@dataclass(frozen=True, eq=False)
class Scores:
    """Outputs of a network beside the true classes.

    values (n, C): one for each class, the largest is the answer. labels (n,) int: the true
    classes. probabilities: whether each row of values is a distribution: 0..1, with sum 1.
    """

    values: np.ndarray
    labels: np.ndarray
    probabilities: bool

    @property
    def answers(self):
        """The class of the largest value of each row, (n,) int."""
        return self.values.argmax(axis=1)

    @property
    def form(self):
        """The format string of a value."""
        return "{:.1%}" if self.probabilities else "{:.2f}"

    def class_accuracy(self):
        """Compute the accuracy of each class with its 95 % Wilson interval.

        Returns accuracy, low, high: (C,) each, NaN for a class without images. Source: Wilson
        1927, Probable inference, the law of succession, and statistical inference.
        """
        classes, square = self.values.shape[1], 1.96**2
        n = np.bincount(self.labels, minlength=classes)
        right = np.bincount(self.labels[self.answers == self.labels], minlength=classes)
        with np.errstate(invalid="ignore"):  # 0 / 0 in a class without images
            accuracy = right / n
            centre = (right + square / 2) / (n + square)
            half = np.sqrt(square * (accuracy * (n - right) + square / 4)) / (n + square)
        return accuracy, centre - half, centre + half


def read(outputs, targets):
    """Return the Scores of a model's outputs (n, C), given a Split's labels as targets.

    If the targets are class numbers (n,), the outputs are taken as logits; if they are values
    (n, C), the outputs are scores themselves.
    """
    if targets.ndim == 1:
        return Scores(Softmax()(outputs), targets, True)
    return Scores(outputs, targets.argmax(axis=1), False)


def confusion(labels, answers, classes):
    """Return the confusion matrix (classes, classes) int: true class by row, answer by column.

    labels, answers (n,) int. classes: number of classes.
    """
    counts = np.zeros((classes, classes), int)
    np.add.at(counts, (labels, answers), 1)
    return counts


def recalls(scores):
    """Return the recall of each class: {class number: 0..1, None for a class without samples}."""
    accuracy, _, _ = scores.class_accuracy()
    return {c: None if np.isnan(share) else float(share) for c, share in enumerate(accuracy)}


def worst_pairs(counts, most):
    """Return the most confused pairs of classes, most frequent first.

    counts (C, C) int: see ``confusion``. Returns at most `most` tuples (class, answer, count).
    """
    mistakes = counts * (1 - np.eye(len(counts), dtype=int))
    order = np.argsort(-mistakes, axis=None, kind="stable")[:most]
    pairs = zip(*np.unravel_index(order, mistakes.shape), strict=True)
    return [(int(i), int(j), int(mistakes[i, j])) for i, j in pairs if mistakes[i, j]]


def surest_errors(labels, values, most):
    """Return indices of the most confident mistakes, most confident first, at most `most`.

    labels (n,) int. values (n, C): one for each class, the largest is the answer.
    """
    wrong = np.flatnonzero(values.argmax(axis=1) != labels)
    return wrong[np.argsort(-values[wrong].max(axis=1), kind="stable")][:most]


@dataclass(frozen=True, eq=False)
class Calibration:
    """Calibration of a network by bins of confidence, lowest first; all arrays (bins,).

    counts: number of images in each bin. confidence: mean probability of their answers; accuracy:
    fraction of right answers; both 0..1, NaN in an empty bin.
    """

    counts: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray

    @property
    def error(self):
        """Expected calibration error, the mean over the images of |accuracy - confidence|."""
        gaps = np.abs(self.accuracy - self.confidence)
        return float(np.nansum(self.counts * gaps) / self.counts.sum())


def calibration(scores, bins=15):
    """Compute the Calibration of Scores over `bins` confidence bins of equal width.

    Bin m of M holds confidences above (m - 1) / M, up to m / M. Raises NpNNError for Scores that
    are not probabilities. Source: Guo et al. 2017, On calibration of modern neural networks.
    """
    if not scores.probabilities:
        raise NpNNError("calibration needs probabilities: train with a loss of classes")
    sure, right = scores.values.max(axis=1).astype(float), scores.answers == scores.labels
    at = np.clip(np.ceil(sure * bins).astype(int) - 1, 0, bins - 1)
    counts = np.bincount(at, minlength=bins)
    with np.errstate(invalid="ignore"):  # 0 / 0 in an empty bin
        confidence, accuracy = (np.bincount(at, x, bins) / counts for x in (sure, right))
    return Calibration(counts, confidence, accuracy)
