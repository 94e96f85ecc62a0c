"""What a unit makes of its weighted sum.

Where the derivative is simplest in terms of the output, ``*_backward`` takes y, what the
forward function returned, else its input x. All arrays of a call have one shape.
"""

import numpy as np


def sigmoid_forward(x, out):
    """Logistic function: out = 1 / (1 + exp(-x)). Any shape.

    Written with exp(-|x|), which cannot overflow.
    """
    small = np.exp(-np.abs(x))
    np.divide(np.where(x < 0, small, 1), 1 + small, out=out)
    return out


def sigmoid_backward(grad, y, out):
    """out = grad * y * (1 - y), with y from ``sigmoid_forward``."""
    np.multiply(grad, y * (1 - y), out=out)
    return out


def tanh_forward(x, out):
    """Hyperbolic tangent. Any shape."""
    return np.tanh(x, out=out)


def tanh_backward(grad, y, out):
    """out = grad * (1 - y^2), with y from ``tanh_forward``."""
    np.multiply(grad, 1 - y * y, out=out)
    return out


# LeCun et al. 1998, Efficient BackProp: with these, f(1) = 1 and f(-1) = -1.
STEEPNESS, HEIGHT = 2 / 3, 1.7159


def scaled_tanh_forward(x, out):
    """LeCun's out = 1.7159 * tanh(2/3 * x). Any shape."""
    np.multiply(x, STEEPNESS, out=out)
    np.tanh(out, out=out)
    out *= HEIGHT
    return out


def scaled_tanh_backward(grad, y, out):
    """out = grad * 2/3 * (1.7159 - y^2 / 1.7159), with y from ``scaled_tanh_forward``."""
    np.multiply(grad, STEEPNESS * HEIGHT - STEEPNESS / HEIGHT * (y * y), out=out)
    return out


def relu_forward(x, out):
    """Rectified linear unit: out = max(x, 0). Any shape."""
    return np.maximum(x, 0, out=out)


def relu_backward(grad, y, out):
    """Let the gradient through where the unit was on: out = grad * (1 if y > 0 else 0).

    y is what ``relu_forward`` returned.
    """
    np.greater(y, 0, out=out)
    out *= grad
    return out
