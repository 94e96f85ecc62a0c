"""Measures of a network's answers: accuracy and recall of each class, confusion, calibration."""

from dataclasses import dataclass

import numpy as np

from np_nn.layers import Softmax
from np_nn.utils.errors import NpNNError


@dataclass(frozen=True, eq=False)
class Scores:
    """values (n, C): of each class, the largest is the answer. labels (n,) int: what it is.

    probabilities: whether the values of an image are that: from 0 to 1, and 1 in sum.
    """

    values: np.ndarray
    labels: np.ndarray
    probabilities: bool

    @property
    def answers(self):
        """(n,) int."""
        return self.values.argmax(axis=1)

    @property
    def form(self):
        """How to write a value."""
        return "{:.1%}" if self.probabilities else "{:.2f}"

    def class_accuracy(self):
        """The share of each class's images that was answered rightly, and its 95 % interval.

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
    """The Scores of a model's outputs (n, C) for the images of a Split with these labels.

    Where those are class numbers (n,), the outputs are logits; where they are values (n, C),
    the outputs are scores themselves.
    """
    if targets.ndim == 1:
        return Scores(Softmax()(outputs), targets, True)
    return Scores(outputs, targets.argmax(axis=1), False)


def confusion(labels, answers, classes):
    """How often each class (row) was taken for which (column): (classes, classes) int.

    labels, answers (n,) int. classes: how many there are.
    """
    counts = np.zeros((classes, classes), int)
    np.add.at(counts, (labels, answers), 1)
    return counts


def recalls(scores):
    """Return the recall of each class: {class number: 0..1, None for a class without samples}."""
    accuracy, _, _ = scores.class_accuracy()
    return {c: None if np.isnan(share) else float(share) for c, share in enumerate(accuracy)}


def worst_pairs(counts, most):
    """Return the pairs of classes that are confused most often, those first.

    counts (C, C) int: see ``confusion``. Returns at most `most` tuples (class, answer, count).
    """
    mistakes = counts * (1 - np.eye(len(counts), dtype=int))
    order = np.argsort(-mistakes, axis=None, kind="stable")[:most]
    pairs = zip(*np.unravel_index(order, mistakes.shape), strict=True)
    return [(int(i), int(j), int(mistakes[i, j])) for i, j in pairs if mistakes[i, j]]


def surest_errors(labels, values, most):
    """The mistakes of whose wrong class most was thought, those first: indices, at most so many.

    labels (n,) int. values (n, C): of each class, the largest is the answer.
    """
    wrong = np.flatnonzero(values.argmax(axis=1) != labels)
    return wrong[np.argsort(-values[wrong].max(axis=1), kind="stable")][:most]


@dataclass(frozen=True, eq=False)
class Calibration:
    """How often a network was right when it was so sure: all (bins,), from unsure to sure.

    counts: the images in each bin. confidence: their mean probability of the answer, accuracy:
    the share of them that was right, both 0..1, and NaN in an empty bin.
    """

    counts: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray

    @property
    def error(self):
        """Expected calibration error: the mean over the images of |accuracy - confidence|."""
        gaps = np.abs(self.accuracy - self.confidence)
        return float(np.nansum(self.counts * gaps) / self.counts.sum())


def calibration(scores, bins=15):
    """Sort images by the probability of their answer into bins of equal width: a Calibration.

    Bin m of M holds those above (m - 1) / M, up to m / M. Raises NpNNError for Scores that are no
    probabilities. Source: Guo et al. 2017, On calibration of modern neural networks.
    """
    if not scores.probabilities:
        raise NpNNError("calibration is of probabilities: train with a loss of classes")
    sure, right = scores.values.max(axis=1).astype(float), scores.answers == scores.labels
    at = np.clip(np.ceil(sure * bins).astype(int) - 1, 0, bins - 1)
    counts = np.bincount(at, minlength=bins)
    with np.errstate(invalid="ignore"):  # 0 / 0 in an empty bin
        confidence, accuracy = (np.bincount(at, x, bins) / counts for x in (sure, right))
    return Calibration(counts, confidence, accuracy)
