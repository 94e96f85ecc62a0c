"""Losses of the estimators; each gradient is prediction minus target.

Each loss is the negative log-likelihood of the targets t under a distribution whose mean is the
output activation of z; hence dL/dz = mean(z) - t (McCullagh and Nelder 1989).
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.special import expit, log_softmax, softmax, xlogy

from np_nn.losses import Loss, MSELoss


class Family(NamedTuple):
    """Distribution of the targets.

    mean: function outputs (N, C) -> predictions (N, C). loss: function outputs (N, C), targets
    (N, C) -> losses (N,).
    """

    mean: Callable
    loss: Callable


def _softmax_loss(z, t):
    return -(t * log_softmax(z, axis=1)).sum(axis=1)


def _logistic_loss(z, t):
    return np.logaddexp(0, (1 - 2 * t) * z).sum(axis=1)  # valid for t of 0 or 1


def _identity_loss(z, t):
    return np.square(z - t).sum(axis=1) / 2


def _exp_loss(z, t):
    return (np.exp(z) - t - t * z + xlogy(t, t)).sum(axis=1)  # half the Poisson deviance


# Keys are scikit-learn's names of the output activation.
FAMILIES = {
    "softmax": Family(lambda z: softmax(z, axis=1), _softmax_loss),
    "logistic": Family(expit, _logistic_loss),
    "identity": Family(lambda z: z, _identity_loss),
    "exp": Family(np.exp, _exp_loss),
}


class HalfSquaredError(MSELoss):
    """Mean over samples of sum (output - target)^2 / 2: "identity" for the compiled kernels."""

    def factor(self, shape):
        return 0.5 / shape[0]


def weighted(name, targets, weights):
    """Return (Likelihood, its targets (n, C + 1) float32) of a family's name.

    targets: (n, C). weights: (n,), or None if all are 1.
    """
    weights = np.ones(len(targets)) if weights is None else weights
    return Likelihood(name), np.column_stack([targets, weights]).astype(np.float32)


class Likelihood(Loss):
    """Loss of a family: the weighted mean over the samples.

    outputs (N, C); targets (N, C + 1): the last column holds the weights, above 0.
    """

    targets = "values"

    def __init__(self, name):
        super().__init__(reduction="mean")
        self.name, self.family = name, FAMILIES[name]

    def forward(self, outputs, targets):
        self._make_grad(outputs)
        targets, share = targets[:, :-1], targets[:, -1] / self.count(targets)
        np.subtract(self.family.mean(outputs), targets, out=self.ctx.grad)
        self.ctx.grad *= share[:, None]
        return float(share @ self.family.loss(outputs, targets))

    def count(self, targets):
        return float(targets[:, -1].sum(dtype=np.float64))

    def has_classes(self, targets):
        return self.name in ("softmax", "logistic")

    def count_correct(self, outputs, targets):
        """Count samples whose predictions are all within 1/2 of their targets.

        For one-hot targets, such a sample is classified correctly.
        """
        return int((abs(self.family.mean(outputs) - targets[:, :-1]) < 0.5).all(axis=1).sum())
