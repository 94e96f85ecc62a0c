"""L2: penalty on large weights, a part of the loss."""

import math

import numpy as np

from np_nn.utils.errors import NpNNError


class L2:
    """Penalty alpha / 2 * the sum of squared weights, without biases and normalisations.

    The loss of a batch of n samples includes 1 / n of it, so that a whole set counts it once for
    any batch size: scikit-learn's ``alpha``. Plain SGD shrinks the weights as with weight_decay
    alpha / n, but the loss includes the penalty. False if alpha is 0.

    Raises NpNNError for an alpha that is negative or not finite. Source: Krogh and Hertz 1992.
    """

    def __init__(self, alpha, parameters):
        if not 0 <= alpha < math.inf:
            raise NpNNError(f"l2 must be finite and not below 0, got {alpha}")
        self.alpha = alpha
        self.weights = [p for p in parameters if len(p.shape) > 1]

    def __bool__(self):
        return bool(self.alpha > 0)

    def squares(self):
        """Return the sum of all squared weights; 0 if alpha is 0."""
        return sum(float(np.vdot(p.data, p.data)) for p in self.weights) if self else 0.0

    def backward(self, n):
        """Add the gradient of the penalty in the loss of n samples to the weights' gradients."""
        for p in self.weights if self else ():
            p.grad += np.asarray(self.alpha / n, p.data.dtype) * p.data
