"""3. Softmax and cross-entropy: how do ten scores become one number to make smaller?

The last layer gives each image a score for each class. Softmax makes probabilities of them: exp
makes every score positive, and the sum of a row divides it.

    p[n, c] = exp(x[n, c]) / (sum over k of exp(x[n, k]))

The loss is the mean of -log p of the right class: 0 if the network is sure and right, large if
it is sure and wrong. So we need the logarithm of p only. exp(1000) is infinite in a computer:
subtract the largest score of each row first, which changes no probability.

The gradient of all this is short: the probability, minus 1 at the right class, over N.

Replace the lines that raise NotImplementedError, then run

    np-nn check 03_softmax_cross_entropy.py

smoothing belongs to the functions of np_nn; it is 0 here.
"""

import numpy as np


def log_softmax_forward(x, out):
    """Compute the logarithms of the probabilities, row by row; x and out (N, C).

    out[n, c] = x[n, c] - log(sum over k of exp(x[n, k]))
    """
    # >>>
    # hint: x.max(axis=1, keepdims=True) is the largest of each row, as a column (N, 1)
    # hint: with the largest at 0, no exp overflows, and each sum is at least 1
    np.subtract(x, x.max(axis=1, keepdims=True), out=out)
    out -= np.log(np.exp(out).sum(axis=1, keepdims=True))
    return out
    # <<<


def cross_entropy_forward(logits, labels, smoothing, log_probs):
    """Write the logarithms of the probabilities, and return the loss, a float.

    logits (N, C) are the scores, labels (N,) the right classes, log_probs (N, C).

        log_probs[n, c] = logits[n, c] - log(sum over k of exp(logits[n, k]))
        loss = mean over n of -log_probs[n, labels[n]]
    """
    # >>>
    # hint: log_softmax_forward above writes log_probs
    # hint: log_probs[np.arange(N), labels] picks one number of each row
    log_softmax_forward(logits, log_probs)
    return -float(log_probs[np.arange(len(labels)), labels].mean())
    # <<<


def cross_entropy_backward(log_probs, labels, smoothing, out):
    """Compute the gradient of the loss with respect to the scores; log_probs and out (N, C).

    out[n, c] = (exp(log_probs[n, c]) - (1 if labels[n] is c, else 0)) / N
    """
    # >>>
    # hint: np.exp(log_probs, out=out) gives the probabilities
    # hint: out[np.arange(N), labels] -= 1 changes one number of each row
    np.exp(log_probs, out=out)
    out[np.arange(len(labels)), labels] -= 1
    out /= len(labels)
    return out
    # <<<


# >>> check
def _scores(c, n):
    return c.x(n, c.o) * (1000 if c.number == 3 else 1)  # overflows in exp


def _batch(c, log_probs):
    return log_probs, c.rng.integers(0, c.o, c.some), 0.0, c.out(c.some, c.o)


def _backward(c):
    x = c.x(c.some, c.o)
    return _batch(c, log_softmax_forward(x, x))


CASES = {
    "log_softmax_forward": lambda c: (_scores(c, c.n), c.out(c.n, c.o)),
    "cross_entropy_forward": lambda c: _batch(c, _scores(c, c.some)),
    "cross_entropy_backward": _backward,
}
# <<<
