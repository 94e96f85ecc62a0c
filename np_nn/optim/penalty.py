"""L2: a price on large weights, as a part of the loss."""

import math

import numpy as np

from np_nn.utils.errors import NpNNError


class L2:
    """alpha / 2 * the sum of the squared weights; biases and normalisations are free.

    A batch of n samples has 1 / n of it in its loss, so that a whole set counts it once however
    it is cut: scikit-learn's ``alpha``. The weights of plain SGD shrink as with weight_decay
    alpha / n, but this is seen in the loss. False if alpha is 0.

    Raises NpNNError for an alpha that is negative or not finite. Source: Krogh and Hertz 1992.
    """

    def __init__(self, alpha, parameters):
        if not 0 <= alpha < math.inf:
            raise NpNNError(f"l2 must be finite and not below 0, got {alpha}")
        self.alpha = alpha
        self.weights = [p for p in parameters if len(p.shape) > 1]

    def __bool__(self):
        return self.alpha > 0

    def squares(self):
        """The sum of all squared weights."""
        return sum(float(np.vdot(p.data, p.data)) for p in self.weights) if self else 0.0

    def backward(self, n):
        """Add the gradient of the penalty in the loss of n samples to that of the weights."""
        for p in self.weights if self else ():
            p.grad += np.asarray(self.alpha / n, p.data.dtype) * p.data
