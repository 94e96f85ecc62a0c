"""Pooling: each window of an image becomes one number, so that the next layer's input is smaller.

x (N, C, H, W), out and grad (N, C, H', W'), PyTorch's layout. kernel, stride and padding are
pairs (rows, columns). Source: Zhou and Chellappa 1988 (max); LeCun et al. 1989 (average).
"""

import numpy as np

from np_nn.reference import windows


def max_pool2d_forward(x, kernel, stride, padding, out, where):
    """Compute out = the maximum of each window; padding counts as -infinity.

    where, uint8 of out's shape, receives its place in the window, counted row by row: the first
    among equals, never in the padding. A uint8 limits a window to at most 256 places.
    """
    seen = windows.of(x, kernel, stride, padding, fill=-np.inf)  # (N, C, H', W', kh, kw)
    seen = seen.reshape(*out.shape, kernel[0] * kernel[1])
    where[...] = np.argmax(seen, axis=-1)
    out[...] = np.take_along_axis(seen, where[..., None].astype(np.intp), axis=-1)[..., 0]
    if any(padding):  # in a window of only -infinity, take the first pixel outside the padding
        row, column = (
            np.clip(p - s * np.arange(size), 0, k - 1)
            for size, k, s, p in zip(out.shape[2:], kernel, stride, padding, strict=True)
        )
        first = (row[:, None] * kernel[1] + column).astype(np.uint8)
        np.copyto(where, first, where=out == -np.inf)
    return out


def max_pool2d_backward(grad, where, kernel, stride, padding, out):
    """Pass each gradient to its window's maximum, the only pixel that changed the output.

    where: from ``max_pool2d_forward``. out (N, C, H, W): sums where windows overlap, else 0.
    """
    largest = np.arange(kernel[0] * kernel[1]) == where[..., None]
    seen = (grad[..., None] * largest).reshape(*grad.shape, *kernel)
    return windows.add(seen, stride, padding, out)


def avg_pool2d_forward(x, kernel, stride, padding, out):
    """Compute out = the mean of each window; padding counts as zeros, PyTorch's default."""
    return np.mean(windows.of(x, kernel, stride, padding), axis=(4, 5), out=out)


def avg_pool2d_backward(grad, kernel, stride, padding, out):
    """Divide each gradient equally among the kh kw pixels of its window; out (N, C, H, W)."""
    share = (grad / (kernel[0] * kernel[1]))[..., None, None]
    return windows.add(np.broadcast_to(share, (*grad.shape, *kernel)), stride, padding, out)


def adaptive_avg_pool2d_forward(x, out):
    """Compute means of windows sized so that they fill out (N, C, H', W').

        out[n, c, i, j] = the mean of x[n, c, floor(i H / H') : ceil((i + 1) H / H'), ...]

    and columns alike. Windows may differ in size and overlap; out may be larger than x.
    """
    rows, columns = map(windows.averages, x.shape[2:], out.shape[2:])
    out[...] = rows @ x @ columns.T
    return out


def adaptive_avg_pool2d_backward(grad, out):
    """Apply the transposed averages to the gradient; out (N, C, H, W)."""
    rows, columns = map(windows.averages, out.shape[2:], grad.shape[2:])
    out[...] = rows.T @ grad @ columns
    return out
