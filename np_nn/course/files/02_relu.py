"""2. ReLU: why does a network need more than weighted sums, and what comes back through it?

Two layers of weighted sums are no more than one: W2 (W1 x) = (W2 W1) x. A function that is not a
line has to stand between them. The simplest is max(x, 0), the rectified linear unit.

Backward, we are given grad: how much the loss changes with each output. Where the unit was
active, y = x, and its input counts as much as its output. Where it was not, y stays 0 whatever x
does, and nothing comes back.

Replace the lines that raise NotImplementedError, then run

    np-nn check 02_relu.py
"""

import numpy as np


def relu_forward(x, out):
    """Compute the larger of x and 0; x and out (N, I).

    out[n, i] = x[n, i] if x[n, i] > 0, else 0
    """
    # >>>
    # hint: np.maximum compares two arrays, or an array and a number; it takes out=
    return np.maximum(x, 0, out=out)
    # <<<


def relu_backward(grad, y, out):
    """Pass the gradient where the unit was active; y is relu_forward's result, all (N, I).

    out[n, i] = grad[n, i] if y[n, i] > 0, else 0
    """
    # >>>
    # hint: y > 0 is an array of True and False, which count as 1 and 0 in a product
    # hint: np.multiply(a, b, out=out) writes the product into out; y and grad must stay as they are
    return np.multiply(grad, y > 0, out=out)
    # <<<


# >>> check
CASES = {
    "relu_forward": lambda c: (c.x(c.n, c.i), c.out(c.n, c.i)),
    "relu_backward": lambda c: (c.x(c.n, c.i), c.x(c.n, c.i).clip(0), c.out(c.n, c.i)),
}
# <<<
