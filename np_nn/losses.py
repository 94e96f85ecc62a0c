"""Losses: one number that says how wrong the outputs are, and its gradient."""

import numpy as np

from np_nn import ops
from np_nn.errors import NpNNError


class CrossEntropyLoss:
    """Softmax and negative log-likelihood, mean over the batch; PyTorch's CrossEntropyLoss.

        L = mean_n -log softmax(logits[n])[labels[n]]

    logits (N, C) float, labels (N,) int in 0..C-1. ``forward`` returns a float,
    ``backward`` dL/dlogits (N, C), valid until the next ``forward``.
    label_smoothing, 0..1, moves that share of the target from the right class to
    all classes alike (Szegedy et al. 2016).

    Raises NpNNError if the shapes do not belong together or a label is out of range.
    """

    def __init__(self, label_smoothing=0.0):
        if not 0 <= label_smoothing <= 1:
            raise NpNNError(f"label_smoothing must be 0..1, got {label_smoothing}")
        self.config = {"label_smoothing": label_smoothing}
        self._grad = np.empty((0, 0))

    def __call__(self, logits, labels):
        return self.forward(logits, labels)

    def forward(self, logits, labels):
        self._check(logits, labels)
        if self._grad.shape != logits.shape or self._grad.dtype != logits.dtype:
            self._grad = np.empty_like(logits)
        return ops.cross_entropy(logits, labels, self.config["label_smoothing"], self._grad)

    def backward(self):
        return self._grad

    @staticmethod
    def _check(logits, labels):
        if logits.ndim != 2 or labels.shape != logits.shape[:1]:
            raise NpNNError(
                f"CrossEntropyLoss expects logits (N, C) and labels (N,), "
                f"got {logits.shape} and {labels.shape}"
            )
        if not len(labels):
            raise NpNNError("CrossEntropyLoss got an empty batch")
        if labels.min() < 0 or labels.max() >= logits.shape[1]:
            raise NpNNError(
                f"labels must be 0..{logits.shape[1] - 1}, the model's outputs; "
                f"got {labels.min()}..{labels.max()}"
            )
