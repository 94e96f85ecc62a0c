"""Pooling: one number for each window of an image, so that the next layer sees a smaller one.

x (N, C, H, W), out and grad (N, C, H', W'), PyTorch's layout. kernel, stride and padding are
pairs (rows, columns). Source: Zhou and Chellappa 1988 (max); LeCun et al. 1989 (average).
"""

import numpy as np

from np_nn.reference import windows


def max_pool2d_forward(x, kernel, stride, padding, out, where):
    """out = the largest number of each window; padding counts as -infinity.

    where uint8, of out's shape, receives its place in the window, counted row by row: the first
    one among equals, and never in the padding. So a window has at most 256 places.
    """
    seen = windows.of(x, kernel, stride, padding, fill=-np.inf)  # (N, C, H', W', kh, kw)
    seen = seen.reshape(*out.shape, kernel[0] * kernel[1])
    where[...] = np.argmax(seen, axis=-1)
    out[...] = np.take_along_axis(seen, where[..., None].astype(np.intp), axis=-1)[..., 0]
    if any(padding):  # of a window of -infinity alone, the first pixel
        row, column = (
            np.clip(p - s * np.arange(size), 0, k - 1)
            for size, k, s, p in zip(out.shape[2:], kernel, stride, padding, strict=True)
        )
        first = (row[:, None] * kernel[1] + column).astype(np.uint8)
        np.copyto(where, first, where=out == -np.inf)
    return out


def max_pool2d_backward(grad, where, kernel, stride, padding, out):
    """Only the largest number moved the output: the gradient goes to it, and 0 to the others.

    where: of ``max_pool2d_forward``. out (N, C, H, W): where windows overlap, sums.
    """
    largest = np.arange(kernel[0] * kernel[1]) == where[..., None]
    seen = (grad[..., None] * largest).reshape(*grad.shape, *kernel)
    return windows.add(seen, stride, padding, out)


def avg_pool2d_forward(x, kernel, stride, padding, out):
    """out = the mean of each window; padding counts as zeros, as by default in PyTorch."""
    return np.mean(windows.of(x, kernel, stride, padding), axis=(4, 5), out=out)


def avg_pool2d_backward(grad, kernel, stride, padding, out):
    """Each of a window's kh kw numbers gets an equal share; out (N, C, H, W)."""
    share = (grad / (kernel[0] * kernel[1]))[..., None, None]
    return windows.add(np.broadcast_to(share, (*grad.shape, *kernel)), stride, padding, out)


def adaptive_avg_pool2d_forward(x, out):
    """Means of windows that are as large as out (N, C, H', W') needs them:

        out[n, c, i, j] = the mean of x[n, c, floor(i H / H') : ceil((i + 1) H / H'), ...]

    and columns alike. Windows may differ in size and overlap; out may be larger than x.
    """
    rows, columns = map(windows.averages, x.shape[2:], out.shape[2:])
    out[...] = rows @ x @ columns.T
    return out


def adaptive_avg_pool2d_backward(grad, out):
    """The same averages the other way round; out (N, C, H, W)."""
    rows, columns = map(windows.averages, out.shape[2:], grad.shape[2:])
    out[...] = rows.T @ grad @ columns
    return out
