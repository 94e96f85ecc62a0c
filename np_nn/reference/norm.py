"""Normalisation of units, or of samples, to mean 0 and variance 1.

batch_norm works along the batch, unit by unit; layer_norm along the units, sample by sample.
weight and bias (F,) then scale and shift each unit. x, y, out, normalised and grad are (N, F). For
batch_norm they may be images (N, F, H, W), too: then a unit is a channel, with all its pixels.
"""

import numpy as np

from np_nn.reference.activations import relu_backward, relu_forward


def batch_norm_forward(x, weight, bias, eps, out, mean, variance):
    """Compute out = (x - mean) / sqrt(variance + eps) * weight + bias.

    mean and variance (F,) receive those of the batch, the variance with divisor N, or N H W.
    """
    rest = _all_but_units(x)
    np.mean(x, axis=rest, out=mean)
    deviations = x - _each_unit(mean, x)
    np.mean(deviations * deviations, axis=rest, out=variance)
    np.multiply(deviations, _each_unit(weight / np.sqrt(variance + eps), x), out=out)
    out += _each_unit(bias, x)
    return out


def batch_norm_track(running_mean, running_var, mean, variance, count, share):
    """Move the running mean and variance (F,) by a share towards those of a batch.

    count: values per unit in the batch. The running variance has divisor count - 1.
    """
    running_mean += share * (mean - running_mean)
    running_var += share * (variance * (count / (count - 1)) - running_var)


def batch_norm_backward(grad, x, weight, mean, variance, eps, weight_grad, bias_grad, out):
    """Compute the gradients through the batch's mean and variance, which depend on every sample.

        out = weight / sqrt(variance + eps)
              * (grad - mean(grad) - normalised * mean(grad * normalised))

    with normalised = (x - mean) / sqrt(variance + eps). mean and variance are those of
    ``batch_norm_forward``; weight_grad and bias_grad (F,).
    """
    rest, count = _all_but_units(grad), grad.size // max(1, grad.shape[1])
    deviation = np.sqrt(variance + eps)
    normalised = (x - _each_unit(mean, x)) / _each_unit(deviation, x)
    np.sum(grad, axis=rest, out=bias_grad)
    np.sum(grad * normalised, axis=rest, out=weight_grad)
    normalised *= _each_unit(weight_grad / -count, grad)
    np.add(normalised, grad, out=out)
    out -= _each_unit(bias_grad / count, grad)
    out *= _each_unit(weight / deviation, grad)
    return out


def batch_norm_relu_forward(x, weight, bias, eps, out, mean, variance):
    """Compute max(``batch_norm_forward``, 0); the compiled kernel does both in one pass."""
    return relu_forward(batch_norm_forward(x, weight, bias, eps, out, mean, variance), out)


def batch_norm_relu_backward(grad, y, x, weight, mean, variance, eps, weight_grad, bias_grad, out):
    """Compute the gradients of ``batch_norm_relu_forward``, which returned y."""
    grad = relu_backward(grad, y, np.empty_like(grad))
    return batch_norm_backward(grad, x, weight, mean, variance, eps, weight_grad, bias_grad, out)


def batch_norm_apply(x, weight, bias, eps, mean, variance, out):
    """Normalise as ``batch_norm_forward`` with fixed mean and variance (F,), as after training."""
    scale = weight / np.sqrt(variance + eps)
    np.multiply(x, _each_unit(scale, x), out=out)
    out += _each_unit(bias - mean * scale, x)
    return out


def batch_norm_apply_backward(grad, x, weight, eps, mean, variance, weight_grad, bias_grad, out):
    """Compute the gradients of ``batch_norm_apply``, whose mean and variance are constants."""
    rest, deviation = _all_but_units(x), np.sqrt(variance + eps)
    normalised = (x - _each_unit(mean, x)) / _each_unit(deviation, x)
    np.sum(grad * normalised, axis=rest, out=weight_grad)
    np.sum(grad, axis=rest, out=bias_grad)
    return np.multiply(grad, _each_unit(weight / deviation, x), out=out)


def _all_but_units(x):
    """Return the axes along which a unit's values lie: all but axis 1."""
    return 0, *range(2, x.ndim)


def _each_unit(values, x):
    """Return values (F,) reshaped to broadcast over the units of x."""
    return values.reshape(-1, *[1] * (x.ndim - 2))


def layer_norm_forward(x, weight, bias, eps, out, normalised, deviation):
    """Compute out = normalised * weight + bias, normalised = (x - mean) / deviation, row by row.

    deviation (N,) receives sqrt(variance + eps) of each row.
    """
    np.subtract(x, x.mean(axis=1, keepdims=True), out=normalised)
    np.sqrt((normalised * normalised).mean(axis=1) + eps, out=deviation)
    normalised /= deviation[:, None]
    np.multiply(normalised, weight, out=out)
    out += bias
    return out


def layer_norm_backward(grad, normalised, weight, deviation, weight_grad, bias_grad, out):
    """Compute the gradients, with g = grad * weight and means along each row.

    out = (g - mean(g) - normalised * mean(g * normalised)) / deviation
    """
    np.sum(grad, axis=0, out=bias_grad)
    np.sum(grad * normalised, axis=0, out=weight_grad)
    g = grad * weight
    np.multiply(normalised, -(g * normalised).mean(axis=1, keepdims=True), out=out)
    out += g
    out -= g.mean(axis=1, keepdims=True)
    out /= deviation[:, None]
    return out
