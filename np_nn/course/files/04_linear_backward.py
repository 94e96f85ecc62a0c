"""4. Backward through a layer: which weight is to blame, and by how much?

Forward: out[n, o] = sum over i of x[n, i] * weight[i, o] + bias[o]. Backward we are given
grad[n, o]: how much the loss changes with out[n, o]. Ask of each number that went in: which
outputs does it reach, and multiplied by what? The loss changes by the sum over all of them.

    weight[i, o] reaches out[n, o] of every image n, multiplied by x[n, i].
    bias[o] reaches out[n, o] of every image n, multiplied by 1.
    x[n, i] reaches out[n, o] of every unit o, multiplied by weight[i, o].

Replace the lines that raise NotImplementedError, then run

    np-nn check 04_linear_backward.py
"""

import numpy as np


def linear_backward_weight(x, grad, out):
    """Compute the gradient of the weights: x (N, I), grad (N, O), out (I, O).

    out[i, o] = sum over n of x[n, i] * grad[n, o]
    """
    # >>>
    # hint: a sum over n is a matrix product if n is the last axis of the left one: transpose x
    # hint: the loss is already a mean over the images: do not divide by N again
    return np.matmul(x.T, grad, out=out)
    # <<<


def linear_backward_bias(grad, out):
    """Compute the gradient of the biases: grad (N, O), out (O,).

    out[o] = sum over n of grad[n, o]
    """
    # >>>
    # hint: grad.sum(axis=0) sums over the rows; it takes out=, too
    return np.sum(grad, axis=0, out=out)
    # <<<


def linear_backward_input(grad, weight, out):
    """Compute the gradient of the inputs: grad (N, O), weight (I, O), out (N, I).

    out[n, i] = sum over o of grad[n, o] * weight[i, o]
    """
    # >>>
    # hint: here the sum is over o, the last axis of both: transpose weight
    return np.matmul(grad, weight.T, out=out)
    # <<<


# >>> check
CASES = {
    "linear_backward_weight": lambda c: (c.x(c.n, c.i), c.x(c.n, c.o), c.out(c.i, c.o)),
    "linear_backward_bias": lambda c: (c.x(c.n, c.o), c.out(c.o)),
    "linear_backward_input": lambda c: (c.x(c.n, c.o), c.x(c.i, c.o), c.out(c.n, c.i)),
}
# <<<
