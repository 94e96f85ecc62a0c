"""Every forward pass, backward pass and update, as a pure NumPy function.

This file is the specification: a compiled kernel has the same name and the same
arguments, and computes the same numbers. Each function reads its inputs, writes
into the arrays named ``out`` (or named after what they hold), and keeps nothing.
Writing into given arrays is what lets a training step run without allocating.

Shapes: N is the batch size, I and O are a layer's inputs and outputs, C is the
number of classes. Floating-point arrays are float32 in training; float64 works
too, and is what the gradient checks use.

If L is the loss, ``grad`` is the derivative of L with respect to the output of
the layer, and each ``*_backward`` function applies one step of the chain rule.
"""

import numpy as np


def gather(images, indices, scale, out):
    """Make one batch: out[n] = scale * images[indices[n]].

    images (M, I) uint8 or float, indices (N,) int, out (N, I) float.
    """
    np.copyto(out, images[indices], casting="same_kind")
    if scale != 1:
        out *= scale
    return out


def linear_forward(x, weight, bias, out):
    """Weighted sums: out[n, o] = sum_i x[n, i] * weight[i, o] + bias[o].

    x (N, I), weight (I, O), bias (O,) or None, out (N, O).
    """
    np.matmul(x, weight, out=out)
    if bias is not None:
        out += bias
    return out


def linear_backward_weight(x, grad, out):
    """How the loss moves with each weight: out[i, o] = sum_n x[n, i] * grad[n, o].

    x (N, I), grad (N, O), out (I, O).
    """
    return np.matmul(x.T, grad, out=out)


def linear_backward_bias(grad, out):
    """How the loss moves with each bias: out[o] = sum_n grad[n, o].

    grad (N, O), out (O,).
    """
    return np.sum(grad, axis=0, out=out)


def linear_backward_input(grad, weight, out):
    """Send the gradient back to the inputs: out[n, i] = sum_o grad[n, o] * weight[i, o].

    grad (N, O), weight (I, O), out (N, I).
    """
    return np.matmul(grad, weight.T, out=out)


def relu_forward(x, out):
    """Rectified linear unit: out = max(x, 0). Any shape."""
    return np.maximum(x, 0, out=out)


def relu_backward(grad, y, out):
    """Let the gradient through where the unit was on: out = grad if y > 0 else 0.

    y is what ``relu_forward`` returned; all three have one shape.
    """
    np.greater(y, 0, out=out)
    out *= grad
    return out


def log_softmax_forward(x, out):
    """Logarithms of the softmax probabilities, row by row.

    out[n, c] = x[n, c] - log(sum_k exp(x[n, k])), for x and out (N, C). The
    largest x of each row is subtracted first, which changes nothing in the
    result and keeps exp from overflowing.
    """
    np.subtract(x, x.max(axis=1, keepdims=True), out=out)
    out -= np.log(np.exp(out).sum(axis=1, keepdims=True))
    return out


def cross_entropy_forward(logits, labels, log_probs):
    """Mean negative log-likelihood of the right classes: mean_n -log_probs[n, labels[n]].

    logits (N, C), labels (N,) int in 0..C-1; log_probs (N, C) receives
    log-softmax(logits), which the backward pass needs. Returns a float.
    """
    log_softmax_forward(logits, log_probs)
    return -float(log_probs[np.arange(len(labels)), labels].mean())


def cross_entropy_backward(log_probs, labels, out):
    """What the logits should have been less of: out = (softmax - one_hot(labels)) / N.

    log_probs (N, C) from ``cross_entropy_forward``, labels (N,), out (N, C).
    """
    np.exp(log_probs, out=out)
    out[np.arange(len(labels)), labels] -= 1
    out /= len(labels)
    return out


def sgd_step(weight, grad, velocity, scratch, lr, momentum, weight_decay, nesterov):
    """Stochastic gradient descent, in place, with torch.optim.SGD's conventions.

        g = grad + weight_decay * weight
        v = momentum * v + g
        weight -= lr * (g + momentum * v if nesterov else v)

    weight, grad, velocity and scratch have one shape. velocity is changed in
    place (None when momentum is 0), scratch is work space, grad is left alone.
    Source: Robbins and Monro 1951; Polyak 1964; Nesterov 1983 as in Sutskever
    et al. 2013.
    """
    g = grad
    if weight_decay:
        g = np.multiply(weight, weight_decay, out=scratch)
        g += grad
    if momentum:
        velocity *= momentum
        velocity += g
        if nesterov:
            weight -= np.multiply(g, lr, out=scratch)
            weight -= np.multiply(velocity, lr * momentum, out=scratch)
            return
        g = velocity
    weight -= np.multiply(g, lr, out=scratch)
