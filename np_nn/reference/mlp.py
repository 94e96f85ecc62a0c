"""A whole training loop of a multilayer perceptron."""

from typing import NamedTuple

import numpy as np

from np_nn.reference.activations import relu_backward, relu_forward
from np_nn.reference.linear import (
    linear_backward_bias,
    linear_backward_input,
    linear_backward_weight,
    linear_forward,
)
from np_nn.reference.losses import cross_entropy
from np_nn.reference.optimizers import adam_step, sgd_step
from np_nn.reference.sparse import expand


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
