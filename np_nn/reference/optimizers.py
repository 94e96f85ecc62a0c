"""Update rules: one optimizer step for one array of weights."""

import numpy as np


def sgd_step(weight, grad, velocity, scratch, lr, momentum, weight_decay, nesterov):
    """Apply a step of stochastic gradient descent, in place, with torch.optim.SGD's conventions.

        g = grad + weight_decay * weight
        v = momentum * v + g
        weight -= lr * (g + momentum * v if nesterov else v)

    weight, grad, velocity and scratch have one shape. velocity is changed in
    place (None when momentum is 0), scratch is work space, grad is unchanged.
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
    weight, grad, mean, square, scratch, step, lr, beta1, beta2, eps, weight_decay, decoupled,
    eps_hat,
):  # fmt: skip
    """Apply a step of Adam or, if decoupled, AdamW, in place, with torch.optim's conventions.

        g = grad + weight_decay * weight        (AdamW: weight *= 1 - lr * weight_decay)
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g^2
        weight -= lr * m / (1 - beta1^step) / (sqrt(v / (1 - beta2^step)) + eps)

    weight, grad, mean (m), square (v) and scratch (2, ...) have one shape but for
    scratch's leading 2; step counts from 1. grad is unchanged. eps_hat: eps is added to
    sqrt(v), before v is divided, as at the end of the paper's section 2 and in Keras and
    scikit-learn. Source: Kingma and Ba 2015; Loshchilov and Hutter 2019.
    """
    if eps_hat:
        eps /= (1 - beta2**step) ** 0.5
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


def adagrad_step(weight, grad, total, scratch, step, lr, lr_decay, weight_decay, eps):
    """Apply a step of Adagrad, in place, with torch.optim.Adagrad's conventions.

        g = grad + weight_decay * weight
        s = s + g^2
        weight -= lr / (1 + (step - 1) * lr_decay) * g / (sqrt(s) + eps)

    weight, grad, total (s) and scratch (2, ...) have one shape but for scratch's
    leading 2; step counts from 1. grad is unchanged. Source: Duchi et al. 2011.
    """
    g, size = _decayed(weight, grad, weight_decay, scratch), scratch[1]
    total += np.multiply(g, g, out=size)
    np.sqrt(total, out=size)
    size += eps
    np.divide(g, size, out=size)
    size *= lr / (1 + (step - 1) * lr_decay)
    weight -= size


def rmsprop_step(
    weight, grad, square, average, velocity, scratch, lr, alpha, eps, weight_decay, momentum,
    centered,
):  # fmt: skip
    """Apply a step of RMSprop, in place, with torch.optim.RMSprop's conventions.

        g = grad + weight_decay * weight
        s = alpha * s + (1 - alpha) * g^2
        a = alpha * a + (1 - alpha) * g                     (centered; else a = 0)
        v = momentum * v + g / (sqrt(s - a^2) + eps)
        weight -= lr * v

    weight, grad, square (s), average (a; None unless centered), velocity (v; None when
    momentum is 0) and scratch (2, ...) have one shape but for scratch's leading 2. grad
    is unchanged. s - a^2 is a variance: where rounding makes it negative, 0 is used
    (PyTorch gives NaN). Source: Tieleman and Hinton 2012; centered: Graves 2013.
    """
    g, size = _decayed(weight, grad, weight_decay, scratch), scratch[1]
    np.multiply(g, g, out=size)
    size *= 1 - alpha
    square *= alpha
    square += size
    if centered:
        average *= alpha
        average += np.multiply(g, 1 - alpha, out=size)
        np.multiply(average, average, out=size)
        np.subtract(square, size, out=size)
        np.maximum(size, 0, out=size)
        np.sqrt(size, out=size)
    else:
        np.sqrt(square, out=size)
    size += eps
    change = np.divide(g, size, out=size)
    if momentum:
        velocity *= momentum
        velocity += change
        change = velocity
    weight -= np.multiply(change, lr, out=scratch[0])


def adadelta_step(weight, grad, square, delta, scratch, lr, rho, eps, weight_decay):
    """Apply a step of Adadelta, in place, with torch.optim.Adadelta's conventions.

        g = grad + weight_decay * weight
        s = rho * s + (1 - rho) * g^2
        c = sqrt(d + eps) / sqrt(s + eps) * g
        d = rho * d + (1 - rho) * c^2
        weight -= lr * c

    weight, grad, square (s), delta (d) and scratch (2, ...) have one shape but for
    scratch's leading 2. grad is unchanged. Source: Zeiler 2012.
    """
    g, change = _decayed(weight, grad, weight_decay, scratch), scratch[1]
    np.multiply(g, g, out=change)
    change *= 1 - rho
    square *= rho
    square += change
    np.add(square, eps, out=change)
    np.sqrt(change, out=change)
    np.divide(g, change, out=change)
    size = np.add(delta, eps, out=scratch[0])  # g is no longer needed
    change *= np.sqrt(size, out=size)
    np.multiply(change, change, out=size)
    size *= 1 - rho
    delta *= rho
    delta += size
    change *= lr
    weight -= change


def _decayed(weight, grad, weight_decay, scratch):
    """Return grad + weight_decay * weight, in scratch[0]; without decay, grad itself."""
    if not weight_decay:
        return grad
    np.multiply(weight, weight_decay, out=scratch[0])
    scratch[0] += grad
    return scratch[0]
