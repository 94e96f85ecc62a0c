"""Every forward pass, backward pass and update, as a pure NumPy function.

This file is the specification: a compiled kernel has the same name and the same
arguments, and computes the same numbers. Each function reads its inputs, writes
into the arrays named ``out`` (or named after what they hold), and keeps nothing.
Writing into given arrays is what lets a training step reuse its large arrays.

Shapes: N is the batch size, I and O are a layer's inputs and outputs, C is the
number of classes. Floating-point arrays are float32 in training; float64 works
too, and is what the gradient checks use.

If L is the loss, ``grad`` is the derivative of L with respect to the output of
the layer, and each ``*_backward`` function applies one step of the chain rule.
"""

from typing import NamedTuple

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
    """Let the gradient through where the unit was on: out = grad * (1 if y > 0 else 0).

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


def adam_step(
    weight, grad, mean, square, scratch, step, lr, beta1, beta2, eps, weight_decay, decoupled
):
    """Adam, or with decoupled weight decay AdamW, in place, with torch.optim's conventions.

        g = grad + weight_decay * weight        (AdamW: weight *= 1 - lr * weight_decay)
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g^2
        weight -= lr * m / (1 - beta1^step) / (sqrt(v / (1 - beta2^step)) + eps)

    weight, grad, mean (m), square (v) and scratch (2, ...) have one shape but for
    scratch's leading 2; step counts from 1. grad is left alone. Source: Kingma and
    Ba 2015; Loshchilov and Hutter 2019.
    """
    g, size = scratch
    if decoupled:
        weight *= 1 - lr * weight_decay
        np.copyto(g, grad)
    else:
        np.multiply(weight, weight_decay, out=g)
        g += grad
    np.multiply(g, g, out=size)
    size *= 1 - beta2
    square *= beta2
    square += size
    g *= 1 - beta1
    mean *= beta1
    mean += g
    np.divide(square, 1 - beta2**step, out=size)
    np.sqrt(size, out=size)
    size += eps
    np.divide(mean, size, out=g)
    g *= lr / (1 - beta1**step)
    weight -= g


# ---- Images most of whose pixels are zero ---------------------------------------------------
#
# Compressed rows hold only what is not zero: image m has the pixels columns[k], with the
# values values[k], for k from indptr[m] to indptr[m + 1]. A layer that reads them multiplies
# a fifth of MNIST's numbers. NumPy has no such product: here the specification is to expand
# them and go on as before, and the compiled kernels are what makes it fast.


class Rows(NamedTuple):
    """Compressed rows of M images with I pixels: the CSR format of sparse matrices.

    indptr (M + 1,) int64; columns (K,) uint16, rising within an image; values (K,) uint8;
    width: I.
    """

    indptr: np.ndarray
    columns: np.ndarray
    values: np.ndarray
    width: int


def compress(images):
    """The Rows of images (M, I) uint8, I at most 65,536."""
    filled = images != 0
    indptr = np.zeros(len(images) + 1, np.int64)
    np.cumsum(filled.sum(axis=1), out=indptr[1:])
    columns = np.nonzero(filled)[1].astype(np.uint16)
    return Rows(indptr, columns, images[filled], images.shape[1])


def expand(rows, indices, scale, out):
    """One batch as a dense array: what ``gather`` makes of the images that were compressed.

    rows of M images, indices (N,) int, out (N, I) float.
    """
    out[...] = 0
    for n, m in enumerate(indices):
        filled = slice(rows.indptr[m], rows.indptr[m + 1])
        out[n, rows.columns[filled]] = rows.values[filled]
    if scale != 1:
        out *= scale
    return out


def sparse_linear_forward(rows, indices, scale, weight, bias, out):
    """``linear_forward`` for the images ``indices`` (N,) of compressed rows; out (N, O)."""
    x = expand(rows, indices, scale, np.empty((len(indices), rows.width), weight.dtype))
    return linear_forward(x, weight, bias, out)


def sparse_linear_backward_weight(rows, indices, scale, grad, out):
    """``linear_backward_weight`` for compressed rows: grad (N, O), out (I, O)."""
    x = expand(rows, indices, scale, np.empty((len(indices), rows.width), grad.dtype))
    return linear_backward_weight(x, grad, out)


# ---- A whole training loop ------------------------------------------------------------------


class Dense(NamedTuple):
    """One Linear layer of a perceptron, for ``mlp_steps``.

    weight (I, O); bias (O,) or None; the optimizer's moments of each: () for plain
    SGD, (velocity,) with momentum, (mean, square) for Adam, shaped as what they belong to.
    """

    weight: np.ndarray
    bias: np.ndarray | None
    weight_moments: tuple
    bias_moments: tuple


def mlp_steps(rows, labels, batches, scale, layers, smoothing, rule, rates, step, settings):
    """Train a multilayer perceptron for K steps: Linear layers with ReLU between, cross-entropy.

    rows: the training set, compressed; labels (M,) int64 of all its images; batches
    (K, N) int64; layers: a Dense for each, changed in place; rule: "sgd" with settings
    (momentum, weight_decay, nesterov), or "adam" with settings (beta1, beta2, eps,
    weight_decay, decoupled); rates (K,) float64: the learning rate of each step; step:
    how many steps the optimizer has made before. Returns each step's mean loss (K,)
    float64 and how many it got right (K,) int64, both before the step's update.

    The same as the layers, the loss and the optimizer in a loop; compiled, it has no
    interpreter in the loop.
    """
    losses, correct = np.empty(len(batches)), np.empty(len(batches), np.int64)
    for k, indices in enumerate(batches):
        y, dtype = labels[indices], layers[0].weight.dtype
        x = expand(rows, indices, scale, np.empty((len(indices), rows.width), dtype))
        inputs = []
        for layer in layers:
            inputs.append(x)
            x = np.empty((len(x), layer.weight.shape[1]), dtype)
            linear_forward(inputs[-1], layer.weight, layer.bias, x)
            if len(inputs) < len(layers):
                relu_forward(x, x)
        correct[k] = (x.argmax(axis=1) == y).sum()
        grad = np.empty_like(x)
        losses[k] = cross_entropy(x, y, smoothing, grad)
        for layer, x in zip(reversed(layers), reversed(inputs), strict=True):
            dW = linear_backward_weight(x, grad, np.empty_like(layer.weight))
            db = (
                None
                if layer.bias is None
                else linear_backward_bias(grad, np.empty_like(layer.bias))
            )
            if layer is not layers[0]:
                grad = linear_backward_input(grad, layer.weight, np.empty_like(x))
                relu_backward(grad.copy(), x, grad)
            at = step + k + 1
            _update(layer.weight, dW, layer.weight_moments, rule, rates[k], at, settings)
            if db is not None:
                _update(layer.bias, db, layer.bias_moments, rule, rates[k], at, settings)
    return losses, correct


def _update(weight, grad, moments, rule, lr, step, settings):
    scratch = np.empty((2, *weight.shape), weight.dtype)
    if rule == "adam":
        adam_step(weight, grad, *moments, scratch, step, lr, *settings)
    else:
        sgd_step(weight, grad, *(moments or (None,)), scratch[0], lr, *settings)
