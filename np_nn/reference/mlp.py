"""Training loop of a multilayer perceptron."""

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
from np_nn.reference.noise import dropout
from np_nn.reference.norm import batch_norm_backward, batch_norm_forward, batch_norm_track
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
}  # and "identity", for none


class Norm(NamedTuple):
    """BatchNorm1d between the product of a Dense and its activation.

    weight, bias and the running mean and variance: (O,), changed in place, as are the
    optimizer's moments. The running ones move by a share ``momentum`` towards the batch's.
    """

    weight: np.ndarray
    bias: np.ndarray
    weight_moments: tuple
    bias_moments: tuple
    running_mean: np.ndarray
    running_var: np.ndarray
    eps: float
    momentum: float


class Drop(NamedTuple):
    """Dropout after the activation of a Dense: a share p, and keys (K,) uint64, one per step."""

    p: float
    keys: np.ndarray


class Dense(NamedTuple):
    """Linear layer of a perceptron, for ``mlp_steps``.

    weight (I, O); bias (O,) or None; the optimizer's moments of each, shaped like their
    parameter: () for plain SGD, (velocity,) with momentum, (mean, square) for Adam,
    (total,) for Adagrad, (square, delta) for Adadelta, and for RMSprop (square,) with
    average after it if centered and velocity last with momentum. The last layer has no norm
    and no drop.
    """

    weight: np.ndarray
    bias: np.ndarray | None
    weight_moments: tuple
    bias_moments: tuple
    norm: Norm | None = None
    drop: Drop | None = None


def mlp_steps(
    rows, targets, batches, scale, shift, layers, activations, loss, rule, rates, step, settings,
    l2,
):  # fmt: skip
    """Train a multilayer perceptron for K steps: Linear layers, each with an activation.

    A layer may have a batch norm before its activation and dropout after it.

    rows: the training set, compressed; a pixel p enters the first layer as scale * p + shift.
    batches (K, N) int64; layers: a Dense for each, changed in place; activations: a name of
    ACTIVATIONS for each, or "identity" for none. loss and targets of all M images:

        ("cross_entropy", smoothing)    targets (M,) int64: the labels
        ("mse", factor)                 targets (M, C) float32; factor * sum (y - t)^2,
                                        where factor 1 / (N * C) makes a batch's mean

    rule: the optimizer's update, with the settings that follow the learning rate there:

        "sgd"       (momentum, weight_decay, nesterov)
        "adam"      (beta1, beta2, eps, weight_decay, decoupled, eps_hat)
        "adagrad"   (lr_decay, weight_decay, eps)
        "rmsprop"   (alpha, eps, weight_decay, momentum, centered)
        "adadelta"  (rho, eps, weight_decay)
        "gradient"  (): each parameter becomes its gradient; for l2 0

    rates (K,) float64: the learning rate of each step; step: number of earlier optimizer
    steps. l2: the gradient of the weights, but not of the biases, includes l2 * weight;
    the losses do not include the penalty. Returns each step's loss (K,) float64 and number
    of correct images (K,) int64, both before the step's update. Correct: the largest
    output is at the label, or where the target is largest.

    Equal to a loop over the layers, the loss and the optimizer; the compiled kernel has no
    interpreter in that loop.
    """
    losses, correct = np.empty(len(batches)), np.empty(len(batches), np.int64)
    for k, indices in enumerate(batches):
        y, dtype = targets[indices], layers[0].weight.dtype
        x = expand(rows, indices, scale, shift, np.empty((len(indices), rows.width), dtype))
        kept = []
        for layer, name in zip(layers, activations, strict=True):
            x, remembered = _forward(x, layer, name, k)
            kept.append(remembered)
        correct[k] = (x.argmax(axis=1) == (y if y.ndim == 1 else y.argmax(axis=1))).sum()
        grad = np.empty_like(x)
        kind, setting = loss
        losses[k] = {"cross_entropy": cross_entropy, "mse": mse}[kind](x, y, setting, grad)
        rest = rule, rates[k], step + k + 1, settings
        for i, layer in reversed(list(enumerate(layers))):
            grad = _backward(grad, layer, activations[i], k, kept[i], l2, rest, input_grad=i > 0)
    return losses, correct


def _forward(x, layer, name, k):
    """Return a layer's output in step k, and the arrays that the backward pass needs."""
    product = np.empty((len(x), layer.weight.shape[1]), x.dtype)
    linear_forward(x, layer.weight, layer.bias, product)
    out, moments = product.copy(), np.empty((2, product.shape[1]), x.dtype)
    if norm := layer.norm:
        batch_norm_forward(product, norm.weight, norm.bias, norm.eps, out, *moments)
        batch_norm_track(norm.running_mean, norm.running_var, *moments, len(x), norm.momentum)
    if name != "identity":
        ACTIVATIONS[name][0](out, out)
    dropped = dropout(out, layer.drop.p, layer.drop.keys[k], out.copy()) if layer.drop else out
    return dropped, (x, product, moments, out)


def _backward(grad, layer, name, k, kept, l2, rest, input_grad):
    """Update the layer; return its input's gradient, computed with the weight before the update."""
    x, product, moments, y = kept
    if layer.drop:
        grad = dropout(grad, layer.drop.p, layer.drop.keys[k], grad)
    if name != "identity":
        ACTIVATIONS[name][1](grad.copy(), y, grad)
    if norm := layer.norm:
        slopes = np.empty_like(moments)
        grad = batch_norm_backward(
            grad, product, norm.weight, *moments, norm.eps, *slopes, np.empty_like(grad)
        )
        _update(norm.weight, slopes[0], norm.weight_moments, *rest)
        _update(norm.bias, slopes[1], norm.bias_moments, *rest)
    dW = linear_backward_weight(x, grad, np.empty_like(layer.weight))
    db = layer.bias is not None and linear_backward_bias(grad, np.empty_like(layer.bias))
    before = linear_backward_input(grad, layer.weight, np.empty_like(x)) if input_grad else None
    dW += l2 * layer.weight
    _update(layer.weight, dW, layer.weight_moments, *rest)
    if layer.bias is not None:
        _update(layer.bias, db, layer.bias_moments, *rest)
    return before


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
    elif rule == "gradient":
        weight[...] = grad
    else:
        raise ValueError(f"no rule is called {rule!r}")
