"""7. Adam: can each weight have a step size of its own?

A pixel in the corner is rarely lit: its weights get small gradients, and would need a larger
learning rate. Adam keeps two running means for each weight, of the gradient g and of its square:
the first says where to go, the root of the second how large gradients usually are there. Their
ratio is about 1, whatever the size of the gradients.

Both means start at 0 and are too small at first: after `step` steps they hold the share
1 - beta^step of their weight. Divide by it.

Replace the line that raises NotImplementedError, then run

    np-nn check 07_adam.py

weight_decay, decoupled and eps_hat belong to the function of np_nn; they are 0 and False here.
scratch is work space that you need not use.
"""

import numpy as np


def adam_step(
    weight, grad, mean, square, scratch, step, lr, beta1, beta2, eps, weight_decay, decoupled,
    eps_hat,
):  # fmt: skip
    """Make step number `step` (1, 2, ...), in place; weight, grad, mean and square have one shape.

    mean[i, o] = beta1 * mean[i, o] + (1 - beta1) * grad[i, o]
    square[i, o] = beta2 * square[i, o] + (1 - beta2) * grad[i, o]^2
    weight[i, o] = weight[i, o] - lr * (mean[i, o] / (1 - beta1^step)) / (sqrt(square[i, o] / (1 - beta2^step)) + eps)
    """  # noqa: E501
    # >>>
    # hint: mean *= beta1, then mean += (1 - beta1) * grad; square likewise with grad * grad
    # hint: the corrected means are new arrays: mean itself stays as it is for the next step
    # hint: eps is added to the root, not under it
    mean *= beta1
    mean += (1 - beta1) * grad
    square *= beta2
    square += (1 - beta2) * grad * grad
    m, v = mean / (1 - beta1**step), square / (1 - beta2**step)
    weight -= lr * m / (np.sqrt(v) + eps)
    # <<<


# >>> check
CASES = {
    "adam_step": lambda c: (
        *(c.x(c.i, c.o) for _ in range(3)), c.x(c.i, c.o) ** 2, c.out(2, c.i, c.o),
        1 + c.number, 0.1, 0.9, 0.99, 0.1, 0.0, False, False,
    ),
}  # fmt: skip
OPTIONS = "--optimizer", "adam", "--lr", "0.002"
# <<<
