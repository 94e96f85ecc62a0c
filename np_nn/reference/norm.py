"""Normalisation: give units, or samples, mean 0 and variance 1.

batch_norm works along the batch, unit by unit; layer_norm along the units, sample by sample.
weight and bias (F,) then scale and move each unit. x, out, normalised and grad are (N, F).
"""

import numpy as np


def batch_norm_forward(x, weight, bias, eps, out, normalised, mean, variance):
    """out = normalised * weight + bias, normalised = (x - mean) / sqrt(variance + eps).

    mean and variance (F,) receive those of the batch, the variance with divisor N.
    """
    np.mean(x, axis=0, out=mean)
    np.subtract(x, mean, out=normalised)
    np.mean(normalised * normalised, axis=0, out=variance)
    normalised /= np.sqrt(variance + eps)
    np.multiply(normalised, weight, out=out)
    out += bias
    return out


def batch_norm_backward(grad, normalised, weight, variance, eps, weight_grad, bias_grad, out):
    """The batch's mean and variance depend on every sample, so each one's gradient has

        out = weight / sqrt(variance + eps)
              * (grad - mean(grad) - normalised * mean(grad * normalised))

    normalised and variance are those of ``batch_norm_forward``; weight_grad and bias_grad (F,).
    """
    np.sum(grad, axis=0, out=bias_grad)
    np.sum(grad * normalised, axis=0, out=weight_grad)
    np.multiply(normalised, weight_grad / -len(grad), out=out)
    out += grad
    out -= bias_grad / len(grad)
    out *= weight / np.sqrt(variance + eps)
    return out


def batch_norm_apply(x, weight, bias, eps, mean, variance, out):
    """The same with a fixed mean and variance (F,), as after training."""
    scale = weight / np.sqrt(variance + eps)
    np.multiply(x, scale, out=out)
    out += bias - mean * scale
    return out


def layer_norm_forward(x, weight, bias, eps, out, normalised, deviation):
    """out = normalised * weight + bias, normalised = (x - mean) / deviation, row by row.

    deviation (N,) receives sqrt(variance + eps) of each row.
    """
    np.subtract(x, x.mean(axis=1, keepdims=True), out=normalised)
    np.sqrt((normalised * normalised).mean(axis=1) + eps, out=deviation)
    normalised /= deviation[:, None]
    np.multiply(normalised, weight, out=out)
    out += bias
    return out


def layer_norm_backward(grad, normalised, weight, deviation, weight_grad, bias_grad, out):
    """With g = grad * weight, and the means along each row:

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
