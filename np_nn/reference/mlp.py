"""A whole training loop of a multilayer perceptron."""

from typing import NamedTuple

import numpy as np

from np_nn.reference import activations
from np_nn.reference.linear import (
    linear_backward_bias,
    linear_backward_input,
    linear_backward_weight,
    linear_forward,
)
from np_nn.reference.losses import cross_entropy, mse
from np_nn.reference.optimizers import (
    adadelta_step,
    adagrad_step,
    adam_step,
    rmsprop_step,
    sgd_step,
)
from np_nn.reference.sparse import expand

ACTIVATIONS = {
    "relu": (activations.relu_forward, activations.relu_backward),
    "sigmoid": (activations.sigmoid_forward, activations.sigmoid_backward),
    "tanh": (activations.tanh_forward, activations.tanh_backward),
    "scaled_tanh": (activations.scaled_tanh_forward, activations.scaled_tanh_backward),
}  # and "identity", after the last layer


class Dense(NamedTuple):
    """One Linear layer of a perceptron, for ``mlp_steps``.

    weight (I, O); bias (O,) or None; the optimizer's moments of each, shaped as what they
    belong to: () for plain SGD, (velocity,) with momentum, (mean, square) for Adam,
    (total,) for Adagrad, (square, delta) for Adadelta, and for RMSprop (square,) with
    average after it if centered and velocity last with momentum.
    """

    weight: np.ndarray
    bias: np.ndarray | None
    weight_moments: tuple
    bias_moments: tuple


def mlp_steps(
    rows, targets, batches, scale, shift, layers, activations, loss, rule, rates, step, settings,
    l2,
):  # fmt: skip
    """Train a multilayer perceptron for K steps: Linear layers, each with an activation.

    rows: the training set, compressed; a pixel p enters the first layer as scale * p + shift.
    batches (K, N) int64; layers: a Dense for each, changed in place; activations: a name of
    ACTIVATIONS for each, or "identity" after the last. loss and targets of all M images:

        ("cross_entropy", smoothing)    targets (M,) int64: the labels
        ("mse", factor)                 targets (M, C) float32; factor * sum (y - t)^2,
                                        where factor 1 / (N * C) makes a batch's mean

    rule: the optimizer's update, with the settings that follow the learning rate there:

        "sgd"       (momentum, weight_decay, nesterov)
        "adam"      (beta1, beta2, eps, weight_decay, decoupled, eps_hat)
        "adagrad"   (lr_decay, weight_decay, eps)
        "rmsprop"   (alpha, eps, weight_decay, momentum, centered)
        "adadelta"  (rho, eps, weight_decay)

    rates (K,) float64: the learning rate of each step; step: how many steps the optimizer
    has made before. l2: the weights, but not the biases, get l2 times themselves added to
    their gradient; the losses leave that out. Returns each step's loss (K,) float64 and how
    many images it got right (K,) int64, both before the step's update. Right: the largest
    output is the label's, or stands where the target is largest.

    The same as the layers, the loss and the optimizer in a loop; compiled, it has no
    interpreter in the loop.
    """
    losses, correct = np.empty(len(batches)), np.empty(len(batches), np.int64)
    for k, indices in enumerate(batches):
        y, dtype = targets[indices], layers[0].weight.dtype
        x = expand(rows, indices, scale, shift, np.empty((len(indices), rows.width), dtype))
        inputs = []
        for layer, name in zip(layers, activations, strict=True):
            inputs.append(x)
            x = np.empty((len(x), layer.weight.shape[1]), dtype)
            linear_forward(inputs[-1], layer.weight, layer.bias, x)
            if name != "identity":
                ACTIVATIONS[name][0](x, x)
        correct[k] = (x.argmax(axis=1) == (y if y.ndim == 1 else y.argmax(axis=1))).sum()
        grad = np.empty_like(x)
        kind, setting = loss
        losses[k] = {"cross_entropy": cross_entropy, "mse": mse}[kind](x, y, setting, grad)
        for i, layer in reversed(list(enumerate(layers))):
            if activations[i] != "identity":
                ACTIVATIONS[activations[i]][1](grad.copy(), x, grad)
            x = inputs[i]
            dW = linear_backward_weight(x, grad, np.empty_like(layer.weight))
            db = (
                None
                if layer.bias is None
                else linear_backward_bias(grad, np.empty_like(layer.bias))
            )
            if i:
                grad = linear_backward_input(grad, layer.weight, np.empty_like(x))
            dW += l2 * layer.weight
            at = step + k + 1
            _update(layer.weight, dW, layer.weight_moments, rule, rates[k], at, settings)
            if db is not None:
                _update(layer.bias, db, layer.bias_moments, rule, rates[k], at, settings)
    return losses, correct


def _update(weight, grad, moments, rule, lr, step, settings):
    scratch = np.empty((2, *weight.shape), weight.dtype)
    if rule == "sgd":
        sgd_step(weight, grad, *(moments or (None,)), scratch[0], lr, *settings)
    elif rule == "adam":
        adam_step(weight, grad, *moments, scratch, step, lr, *settings)
    elif rule == "adagrad":
        adagrad_step(weight, grad, *moments, scratch, step, lr, *settings)
    elif rule == "rmsprop":
        *_, momentum, centered = settings
        square, *rest = moments
        average = rest.pop(0) if centered else None
        velocity = rest.pop(0) if momentum else None
        rmsprop_step(weight, grad, square, average, velocity, scratch, lr, *settings)
    elif rule == "adadelta":
        adadelta_step(weight, grad, *moments, scratch, lr, *settings)
    else:
        raise ValueError(f"no rule is called {rule!r}")
