"""How a gradient changes a weight."""

import numpy as np


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
