"""8. Batch norm: what if every unit had mean 0 and variance 1, whatever the weights before it do?

Each unit f subtracts its mean over the batch and divides by its standard deviation; then it is
scaled and shifted by a weight and a bias, which are learnt.

    normalised[n, f] = (x[n, f] - mean[f]) / sqrt(variance[f] + eps)

Backward is the hard part: x[n, f] reaches the loss in three ways, directly, through the mean and
through the variance, and those two reach every sample of the batch. The three together:

    weight / sqrt(variance + eps) * (grad - its mean - normalised * mean of grad * normalised)

Replace the lines that raise NotImplementedError, then run

    np-nn check 08_batch_norm.py
"""

import numpy as np


def batch_norm_forward(x, weight, bias, eps, out, mean, variance):
    """Normalise each column; write its mean and variance, too.

    x and out (N, F); weight, bias, mean and variance (F,). The variance has divisor N.

        out[n, f] = (x[n, f] - mean[f]) / sqrt(variance[f] + eps) * weight[f] + bias[f]
        mean[f] = mean over n of x[n, f]
        variance[f] = mean over n of (x[n, f] - mean[f])^2
    """
    # >>>
    # hint: x.mean(axis=0, out=mean) is the mean of each column; x.var(axis=0, out=variance)
    # hint: np.divide(x - mean, np.sqrt(variance + eps), out=out), then out *= weight, out += bias
    np.mean(x, axis=0, out=mean)
    np.var(x, axis=0, out=variance)
    np.divide(x - mean, np.sqrt(variance + eps), out=out)
    out *= weight
    out += bias
    return out
    # <<<


def batch_norm_backward(grad, x, weight, mean, variance, eps, weight_grad, bias_grad, out):
    """Compute the gradients; mean and variance are batch_norm_forward's.

    grad, x and out (N, F); the others (F,). normalised = (x - mean) / sqrt(variance + eps)

        weight_grad[f] = sum over n of grad[n, f] * normalised[n, f]
        bias_grad[f] = sum over n of grad[n, f]
        out[n, f] = weight[f] / sqrt(variance[f] + eps) * (grad[n, f] - bias_grad[f] / N - normalised[n, f] * weight_grad[f] / N)
    """  # noqa: E501
    # >>>
    # hint: compute normalised again, as a new array
    # hint: weight_grad and bias_grad are sums, and the two means in out are those sums over N
    deviation = np.sqrt(variance + eps)
    normalised = (x - mean) / deviation
    np.sum(grad * normalised, axis=0, out=weight_grad)
    np.sum(grad, axis=0, out=bias_grad)
    inner = grad - bias_grad / len(x) - normalised * (weight_grad / len(x))
    return np.multiply(weight / deviation, inner, out=out)
    # <<<


# >>> check
def _backward(c):
    x, f = c.x(c.some, c.i), c.i
    moments = x.mean(axis=0), x.var(axis=0)
    return c.x(c.some, f), x, c.x(f), *moments, 0.1, c.out(f), c.out(f), c.out(c.some, f)


CASES = {
    "batch_norm_forward": lambda c: (
        c.x(c.some, c.i), c.x(c.i), c.x(c.i), 0.1, c.out(c.some, c.i), c.out(c.i), c.out(c.i),
    ),
    "batch_norm_backward": _backward,
}  # fmt: skip
OPTIONS = "--norm", "batch"
# <<<
