"""Losses: one number that says how wrong the outputs are, and its gradient."""

import numpy as np

from np_nn import ops
from np_nn.errors import NpNNError


class CrossEntropyLoss:
    """Softmax and negative log-likelihood, mean over the batch; PyTorch's CrossEntropyLoss.

        L = mean_n -log softmax(logits[n])[labels[n]]

    logits (N, C) float, labels (N,) int in 0..C-1. ``forward`` returns a float,
    ``backward`` dL/dlogits (N, C), valid until the next ``forward``.

    Raises NpNNError if the shapes do not belong together or a label is out of range.
    """

    def __init__(self):
        self._log_probs = self._grad = np.empty((0, 0))

    def __call__(self, logits, labels):
        return self.forward(logits, labels)

    def forward(self, logits, labels):
        self._check(logits, labels)
        if self._log_probs.shape != logits.shape or self._log_probs.dtype != logits.dtype:
            self._log_probs, self._grad = np.empty_like(logits), np.empty_like(logits)
        self._labels = labels
        return ops.cross_entropy_forward(logits, labels, self._log_probs)

    def backward(self):
        return ops.cross_entropy_backward(self._log_probs, self._labels, self._grad)

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
