"""Losses and their gradients.

Each function returns the loss, a float, and writes dL/d(outputs) to ``grad``. Losses are
``factor`` times a sum: factor 1 for the sum itself, 1 / number of values, or 1 / sum of the
samples' weights, for the mean. Only ``cross_entropy`` is always the mean over the batch.
"""

import numpy as np

from np_nn.reference.activations import log_softmax_forward, sigmoid_forward


def mse(output, target, factor, grad):
    """Compute the squared error: factor * sum (output - target)^2. All arrays have one shape."""
    np.subtract(output, target, out=grad)
    loss = factor * float(np.vdot(grad, grad))
    grad *= 2 * factor
    return loss


LEAST_LOG = -100.0  # minimum of a logarithm, as in PyTorch: log 0 counts as this


def bce(output, target, factor, grad):
    """Compute the binary cross-entropy: factor * sum -(t log p + (1 - t) log(1 - p)).

    output p and target t, 0..1, and grad have one shape.
    """
    with np.errstate(divide="ignore"):
        log_p = np.maximum(np.log(output), LEAST_LOG)
        log_q = np.maximum(np.log1p(-output), LEAST_LOG)
    loss = -factor * float((target * log_p + (1 - target) * log_q).sum())
    np.divide(output - target, np.maximum(output * (1 - output), 1e-12), out=grad)
    grad *= factor
    return loss


def bce_with_logits(output, target, factor, grad):
    """Compute ``bce`` of sigmoid(output), in one step that cannot overflow.

    log(1 + exp(-|x|)) + max(x, 0) - t x, and the gradient sigmoid(x) - t.
    """
    loss = np.log1p(np.exp(-np.abs(output))) + np.maximum(output, 0) - target * output
    sigmoid_forward(output, grad)
    grad -= target
    grad *= factor
    return factor * float(loss.sum())


def cross_entropy_forward(logits, labels, smoothing, log_probs):
    """Compute the mean negative log-likelihood of the labels: mean_n -log_probs[n, labels[n]].

    logits (N, C), labels (N,) int in 0..C-1; log_probs (N, C) receives
    log-softmax(logits), which the backward pass needs. smoothing 0..1 moves that
    share of the target from the label to all classes equally (Szegedy et al.
    2016). Returns a float.
    """
    log_softmax_forward(logits, log_probs)
    loss = -float(log_probs[np.arange(len(labels)), labels].mean())
    if smoothing:
        loss = (1 - smoothing) * loss - smoothing * float(log_probs.mean())
    return loss


def cross_entropy_backward(log_probs, labels, smoothing, out):
    """Compute the gradient of the mean with respect to the logits: out = (softmax - target) / N.

    log_probs (N, C) are from ``cross_entropy_forward``; target is one_hot(labels),
    smoothed as there; labels (N,), out (N, C).
    """
    np.exp(log_probs, out=out)
    out[np.arange(len(labels)), labels] -= 1 - smoothing
    if smoothing:
        out -= smoothing / out.shape[1]
    out /= len(labels)
    return out


def cross_entropy(logits, labels, smoothing, grad):
    """Compute both passes at once: return the loss, and write dL/dlogits (N, C) to grad."""
    loss = cross_entropy_forward(logits, labels, smoothing, grad)
    cross_entropy_backward(grad, labels, smoothing, grad)
    return loss


def weighted_cross_entropy(logits, labels, weight, smoothing, factor, grad):
    """Compute ``cross_entropy`` with class weights (C,), as in PyTorch.

    L = factor * sum_nc -target[n, c] * weight[c] * log softmax(logits)[n, c]
    """
    log_probs = log_softmax_forward(logits, np.empty_like(logits))
    target = np.broadcast_to(weight * (smoothing / len(weight)), logits.shape).copy()
    target[np.arange(len(labels)), labels] += (1 - smoothing) * weight[labels]
    target *= factor
    np.multiply(np.exp(log_probs), target.sum(axis=1, keepdims=True), out=grad)
    grad -= target
    return -float((target * log_probs).sum())


def nll(log_probs, labels, weight, factor, grad):
    """Compute the negative log-likelihood: factor * sum_n -weight[y_n] log_probs[n, y_n].

    log_probs and grad (N, C); labels y (N,); weight (C,).
    """
    rows, w = np.arange(len(labels)), factor * weight[labels]
    grad[...] = 0
    grad[rows, labels] = -w
    return -float((w * log_probs[rows, labels]).sum())


def focal(logits, labels, weight, gamma, factor, grad):
    """Compute the focal loss: factor * sum_n -weight[y] (1 - p)^gamma log p.

    p: probability of class y = labels[n], which makes samples that are nearly right count little.
    logits and grad (N, C), labels (N,), weight (C,).
    """
    rows = np.arange(len(labels))
    log_probs = log_softmax_forward(logits, np.empty_like(logits))
    log_p = log_probs[rows, labels]
    p = np.exp(log_p)
    w, miss = factor * weight[labels], 1 - p
    # dL/dlog_p; the maximum keeps the slope finite at a miss of 0 with gamma < 1, where log p is 0
    slope = gamma * np.maximum(miss, 1e-12) ** (gamma - 1) * p * log_p - miss**gamma
    np.exp(log_probs, out=grad)
    grad *= -(w * slope)[:, None]
    grad[rows, labels] += w * slope
    return -float((w * miss**gamma * log_p).sum())
