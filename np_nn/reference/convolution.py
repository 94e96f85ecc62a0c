"""Convolution of images: one small set of weights, used at every place of the image.

x (N, C, H, W), weight (O, C, kh, kw), bias (O,), and out and grad (N, O, H', W'), PyTorch's
layout. stride and padding are pairs (rows, columns); H' = (H + 2 padding - kh) // stride + 1,
and W' alike. Source: LeCun et al. 1989, Backpropagation applied to handwritten zip code
recognition.
"""

import numpy as np

from np_nn.reference import windows
from np_nn.reference.activations import relu_backward, relu_forward
from np_nn.reference.pooling import max_pool2d_backward, max_pool2d_forward


def conv2d_forward(x, weight, bias, stride, padding, out):
    """Compute weighted sums of windows, with stride (s, t) and x indexed from its padding.

        out[n, o, i, j] = sum_ckl x[n, c, s i + k, t j + l] * weight[o, c, k, l] + bias[o]

    bias may be None. PyTorch's conv2d; a mathematical convolution flips the weights.
    """
    seen = windows.of(x, weight.shape[2:], stride, padding)  # (N, C, H', W', kh, kw)
    sums = np.tensordot(seen, weight, axes=((1, 4, 5), (1, 2, 3)))  # (N, H', W', O)
    out[...] = sums.transpose(0, 3, 1, 2)
    if bias is not None:
        out += bias[:, None, None]
    return out


def conv2d_backward_weight(x, grad, stride, padding, out):
    """Compute each weight's gradient: a sum over all places, where the weight is used.

        out[o, c, k, l] = sum_nij grad[n, o, i, j] * x[n, c, s i + k, t j + l]

    out (O, C, kh, kw).
    """
    seen = windows.of(x, out.shape[2:], stride, padding)
    out[...] = np.tensordot(grad, seen, axes=((0, 2, 3), (0, 2, 3)))
    return out


def conv2d_backward_bias(grad, out):
    """Compute out[o] = sum_nij grad[n, o, i, j]; out (O,)."""
    return np.sum(grad, axis=(0, 2, 3), out=out)


def conv2d_backward_input(grad, weight, stride, padding, out):
    """Pass the gradient to the pixels of each window, and sum where windows overlap.

        out[n, c, s i + k, t j + l] += sum_o grad[n, o, i, j] * weight[o, c, k, l]

    out (N, C, H, W).
    """
    seen = np.tensordot(grad, weight, axes=(1, 0))  # (N, H', W', C, kh, kw)
    return windows.add(seen.transpose(0, 3, 1, 2, 4, 5), stride, padding, out)


def conv_relu_pool_forward(x, weight, bias, padding, pool, out, where):
    """Compute a convolution of stride 1, max(., 0), and the maximum of each pool x pool window.

    bias may be None. pool 1: no pooling, and where is None. out (N, O, H' // pool, W' // pool);
    where, of out's shape: see ``max_pool2d_forward``; None if no gradient follows. The compiled
    kernel never writes the larger array before pooling.
    """
    if pool == 1:
        return relu_forward(conv2d_forward(x, weight, bias, (1, 1), padding, out), out)
    full = _before_pooling(x, weight, padding)
    relu_forward(conv2d_forward(x, weight, bias, (1, 1), padding, full), full)
    where = np.empty(out.shape, np.uint8) if where is None else where
    return max_pool2d_forward(full, (pool, pool), (pool, pool), (0, 0), out, where)


def conv_relu_pool_backward(
    x, weight, out, where, grad, padding, pool, weight_grad, bias_grad, x_grad
):
    """Compute the three layers' gradients: weight_grad, bias_grad (O,) and x_grad (N, C, H, W).

    out, where: from ``conv_relu_pool_forward``; grad: dL/d(out). bias_grad or x_grad is None if it
    is not wanted. A window's maximum gets its gradient if it is above 0. Returns x_grad.
    """
    grad = relu_backward(grad, out, np.empty_like(out))
    if pool > 1:
        full = _before_pooling(x, weight, padding)
        grad = max_pool2d_backward(grad, where, (pool, pool), (pool, pool), (0, 0), full)
    conv2d_backward_weight(x, grad, (1, 1), padding, weight_grad)
    if bias_grad is not None:
        conv2d_backward_bias(grad, bias_grad)
    if x_grad is not None:
        conv2d_backward_input(grad, weight, (1, 1), padding, x_grad)
    return x_grad


def _before_pooling(x, weight, padding):
    """Return an empty array for the output of a convolution of stride 1."""
    places = windows.sizes(x.shape[2:], weight.shape[2:], (1, 1), padding)
    return np.empty((len(x), len(weight), *places), x.dtype)
