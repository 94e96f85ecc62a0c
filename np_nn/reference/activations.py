"""Activation functions and their gradients.

Where the derivative is simplest in terms of the output, ``*_backward`` takes y, the result of
the forward function, else its input x. All arrays of a call have one shape.
"""

import math

import numpy as np


def sigmoid_forward(x, out):
    """Compute the logistic function: out = 1 / (1 + exp(-x)). Any shape.

    Written with exp(-|x|), which cannot overflow.
    """
    small = np.exp(-np.abs(x))
    np.divide(np.where(x < 0, small, 1), 1 + small, out=out)
    return out


def sigmoid_backward(grad, y, out):
    """Compute out = grad * y * (1 - y), with y from ``sigmoid_forward``."""
    np.multiply(grad, y * (1 - y), out=out)
    return out


def tanh_forward(x, out):
    """Compute the hyperbolic tangent. Any shape."""
    return np.tanh(x, out=out)


def tanh_backward(grad, y, out):
    """Compute out = grad * (1 - y^2), with y from ``tanh_forward``."""
    np.multiply(grad, 1 - y * y, out=out)
    return out


# LeCun et al. 1998, Efficient BackProp: with these, f(1) = 1 and f(-1) = -1.
STEEPNESS, HEIGHT = 2 / 3, 1.7159


def scaled_tanh_forward(x, out):
    """Compute LeCun's out = 1.7159 * tanh(2/3 * x). Any shape."""
    np.multiply(x, STEEPNESS, out=out)
    np.tanh(out, out=out)
    out *= HEIGHT
    return out


def scaled_tanh_backward(grad, y, out):
    """Compute out = grad * 2/3 * (1.7159 - y^2 / 1.7159), with y from ``scaled_tanh_forward``."""
    np.multiply(grad, STEEPNESS * HEIGHT - STEEPNESS / HEIGHT * (y * y), out=out)
    return out


def relu_forward(x, out):
    """Compute the rectified linear unit: out = max(x, 0). Any shape."""
    return np.maximum(x, 0, out=out)


def relu_backward(grad, y, out):
    """Pass the gradient where the unit was active: out = grad * (1 if y > 0 else 0).

    y is the result of ``relu_forward``.
    """
    np.greater(y, 0, out=out)
    out *= grad
    return out


def leaky_relu_forward(x, slope, out):
    """Compute out = x where x > 0, else slope * x. Any shape."""
    np.multiply(x, slope, out=out)
    np.copyto(out, x, where=x > 0)
    return out


def leaky_relu_backward(grad, x, slope, out):
    """Compute out = grad where x > 0, else slope * grad; x is the input of the forward pass."""
    np.multiply(grad, slope, out=out)
    np.copyto(out, grad, where=x > 0)
    return out


def elu_forward(x, alpha, out):
    """Compute the ELU: out = x where x > 0, else alpha * (exp(x) - 1). Any shape."""
    np.expm1(np.minimum(x, 0), out=out)
    out *= alpha
    np.copyto(out, x, where=x > 0)
    return out


def elu_backward(grad, x, alpha, out):
    """Compute out = grad where x > 0, else grad * alpha * exp(x)."""
    np.exp(np.minimum(x, 0), out=out)
    out *= alpha
    out *= grad
    np.copyto(out, grad, where=x > 0)
    return out


def gelu_forward(x, out):
    """Compute the GELU: out = x * Phi(x), Phi the normal distribution function. Any shape."""
    np.multiply(x, _normal_cdf(x), out=out)
    return out


def gelu_backward(grad, x, out):
    """Compute out = grad * (Phi(x) + x * phi(x)), phi the normal density; x the forward's input."""
    density = np.exp(x * x / -2)
    density /= math.sqrt(2 * math.pi)
    np.multiply(grad, _normal_cdf(x) + x * density, out=out)
    return out


def _normal_cdf(x):
    from scipy.special import erf  # imported here: it takes 0.1 s, and is rarely needed

    return (1 + erf(x / math.sqrt(2))) / 2


def silu_forward(x, out):
    """Compute the sigmoid linear unit, also called swish: out = x * sigmoid(x). Any shape."""
    np.multiply(x, sigmoid_forward(x, np.empty_like(out)), out=out)
    return out


def silu_backward(grad, x, out):
    """Compute out = grad * s * (1 + x * (1 - s)) with s = sigmoid(x); x the forward's input."""
    s = sigmoid_forward(x, np.empty_like(out))
    np.multiply(grad, s * (1 + x * (1 - s)), out=out)
    return out


def softmax_forward(x, out):
    """Compute probabilities by row: out[n, c] = exp(x[n, c]) / sum_k exp(x[n, k]), (N, C)."""
    np.subtract(x, x.max(axis=1, keepdims=True), out=out)
    np.exp(out, out=out)
    out /= out.sum(axis=1, keepdims=True)
    return out


def softmax_backward(grad, y, out):
    """Compute out = y * (grad - sum_k grad[n, k] y[n, k]), y (N, C) from ``softmax_forward``."""
    np.multiply(y, grad - (grad * y).sum(axis=1, keepdims=True), out=out)
    return out


def log_softmax_forward(x, out):
    """Compute the logarithms of the softmax probabilities, row by row.

    out[n, c] = x[n, c] - log(sum_k exp(x[n, k])), for x and out (N, C). The
    largest x of each row is subtracted first, which leaves the result unchanged
    and keeps exp from overflowing.
    """
    np.subtract(x, x.max(axis=1, keepdims=True), out=out)
    out -= np.log(np.exp(out).sum(axis=1, keepdims=True))
    return out


def log_softmax_backward(grad, y, out):
    """Compute out = grad - exp(y) * sum_k grad[n, k], y (N, C) from ``log_softmax_forward``."""
    np.subtract(grad, np.exp(y) * grad.sum(axis=1, keepdims=True), out=out)
    return out
