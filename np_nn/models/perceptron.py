"""Rosenblatt's perceptron, the first network that learnt."""

import numpy as np

from np_nn.utils.arguments import check_arguments
from np_nn.utils.arrays import as_float, numbers
from np_nn.utils.checks import WIDEST, check_range
from np_nn.utils.errors import NpNNError
from np_nn.utils.types import Array, ArrayLike, Self


class Perceptron:
    """Single unit, output 1 if w.x + b > 0, else 0, trained with Rosenblatt's rule.

    For each sample in turn, w += lr * (y - output) * x and b += lr * (y - output): a correct
    output changes nothing. If a hyperplane separates the classes, one is found after finitely
    many mistakes (Novikoff 1962); otherwise, as for XOR, training never converges.

    inputs: numbers of a sample. lr: learning rate. ``mistakes`` lists the number of wrong samples
    in each pass. Raises NpNNError for invalid sizes and rates, samples of another shape, numbers
    that are not finite, and labels other than 0 and 1.
    Source: Rosenblatt 1958, The Perceptron.
    """

    def __init__(self, inputs: int, lr: float = 1.0) -> None:
        check_range("Perceptron: inputs", inputs, most=WIDEST)
        if not lr > 0:
            raise NpNNError(f"Perceptron: lr must be above 0, got {lr}")
        self.weight, self.bias, self.lr = np.zeros(inputs), 0.0, lr
        self.mistakes: list[int] = []

    def predict(self, x: ArrayLike) -> Array:
        """Return the class, 0 or 1, of each sample x (N, inputs): (N,) int."""
        return (self._check(x) @ self.weight + self.bias > 0).astype(np.int64)

    @check_arguments
    def fit(self, x: ArrayLike, y: ArrayLike, epochs: int = 100) -> Self:
        """Train on samples x (N, inputs) and labels y (N,), 0 or 1; return self.

        Stops after a pass without a mistake, else after `epochs` passes.
        """
        check_range("Perceptron.fit: epochs", epochs, 0)
        x, y = self._check(x), numbers(y, "Perceptron: y")
        if y.shape != x.shape[:1] or not np.isin(y, (0, 1)).all():
            raise NpNNError(f"Perceptron.fit expects labels 0 or 1, ({len(x)},), got {y.shape}")
        for _ in range(epochs):
            self.mistakes.append(self._one_pass(x, y))
            if not self.mistakes[-1]:
                break
        return self

    def _one_pass(self, x, y):
        mistakes = 0
        for sample, label in zip(x, y, strict=True):
            error = int(label) - int(sample @ self.weight + self.bias > 0)
            self.weight += self.lr * error * sample
            self.bias += self.lr * error
            mistakes += error != 0
        return mistakes

    def _check(self, x) -> Array:
        x = as_float(numbers(x, "Perceptron: x"), float, "Perceptron: x")
        if x.ndim != 2 or x.shape[1] != len(self.weight) or not len(x):
            raise NpNNError(f"Perceptron expects (N, {len(self.weight)}), got {x.shape}")
        if not np.isfinite(x).all():
            raise NpNNError("Perceptron got NaN or infinite input")
        return x
