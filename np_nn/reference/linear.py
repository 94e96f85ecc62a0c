"""Fully connected layer: weighted sums and their gradients."""

import numpy as np


def linear_forward(x, weight, bias, out):
    """Compute weighted sums: out[n, o] = sum_i x[n, i] * weight[i, o] + bias[o].

    x (N, I), weight (I, O), bias (O,) or None, out (N, O).
    """
    np.matmul(x, weight, out=out)
    if bias is not None:
        out += bias
    return out


def linear_backward_weight(x, grad, out):
    """Compute dL/d(weight): out[i, o] = sum_n x[n, i] * grad[n, o].

    x (N, I), grad (N, O), out (I, O).
    """
    return np.matmul(x.T, grad, out=out)


def linear_backward_bias(grad, out):
    """Compute dL/d(bias): out[o] = sum_n grad[n, o].

    grad (N, O), out (O,).
    """
    return np.sum(grad, axis=0, out=out)


def linear_backward_input(grad, weight, out):
    """Compute dL/dx: out[n, i] = sum_o grad[n, o] * weight[i, o].

    grad (N, O), weight (I, O), out (N, I).
    """
    return np.matmul(grad, weight.T, out=out)
