"""How wrong the outputs are, and the gradient of that."""

import numpy as np


def mse(output, target, factor, grad):
    """Squared error: factor * sum (output - target)^2. All arrays have one shape."""
    np.subtract(output, target, out=grad)
    loss = factor * float(np.vdot(grad, grad))
    grad *= 2 * factor
    return loss


def log_softmax_forward(x, out):
    """Logarithms of the softmax probabilities, row by row.

    out[n, c] = x[n, c] - log(sum_k exp(x[n, k])), for x and out (N, C). The
    largest x of each row is subtracted first, which changes nothing in the
    result and keeps exp from overflowing.
    """
    np.subtract(x, x.max(axis=1, keepdims=True), out=out)
    out -= np.log(np.exp(out).sum(axis=1, keepdims=True))
    return out


def cross_entropy_forward(logits, labels, smoothing, log_probs):
    """Mean negative log-likelihood of the right classes: mean_n -log_probs[n, labels[n]].

    logits (N, C), labels (N,) int in 0..C-1; log_probs (N, C) receives
    log-softmax(logits), which the backward pass needs. smoothing 0..1 moves that
    share of the target from the right class to all classes alike (Szegedy et al.
    2016). Returns a float.
    """
    log_softmax_forward(logits, log_probs)
    loss = -float(log_probs[np.arange(len(labels)), labels].mean())
    if smoothing:
        loss = (1 - smoothing) * loss - smoothing * float(log_probs.mean())
    return loss


def cross_entropy_backward(log_probs, labels, smoothing, out):
    """How much each logit should come down: out = (softmax - target) / N.

    target is one_hot(labels), smoothed as in ``cross_entropy_forward``, whose
    log_probs (N, C) these are; labels (N,), out (N, C).
    """
    np.exp(log_probs, out=out)
    out[np.arange(len(labels)), labels] -= 1 - smoothing
    if smoothing:
        out -= smoothing / out.shape[1]
    out /= len(labels)
    return out


def cross_entropy(logits, labels, smoothing, grad):
    """Forward and backward pass in one: the loss, with dL/dlogits (N, C) written to grad."""
    loss = cross_entropy_forward(logits, labels, smoothing, grad)
    cross_entropy_backward(grad, labels, smoothing, grad)
    return loss
