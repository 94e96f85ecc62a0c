"""Windows of an image, shared by convolution and pooling.

Images are (N, C, H, W), PyTorch's layout; kernel, stride and padding are pairs (rows, columns).
Window (i, j) has the kernel's size and starts at row i * stride[0] and column j * stride[1] of
the padded image; H' x W' windows fit.
"""

import numpy as np


def sizes(image, kernel, stride, padding):
    """Return (H', W'), the number of windows that fit into an image (H, W)."""
    return tuple(
        (size + 2 * p - k) // s + 1
        for size, k, s, p in zip(image, kernel, stride, padding, strict=True)
    )


def of(x, kernel, stride, padding, fill=0):
    """Return all windows of x (N, C, H, W), padded with fill: a view (N, C, H', W', kh, kw)."""
    if any(padding):
        frame = ((0, 0), (0, 0), (padding[0],) * 2, (padding[1],) * 2)
        x = np.pad(x, frame, constant_values=fill)
    windows = np.lib.stride_tricks.sliding_window_view(x, tuple(kernel), axis=(2, 3))
    return windows[:, :, :: stride[0], :: stride[1]]


def add(windows, stride, padding, out):
    """Add windows (N, C, H', W', kh, kw) into an image out (N, C, H, W): the adjoint of ``of``.

    Each pixel is the sum of its values in all windows that hold it: several where they overlap,
    none where the stride skips it. Values in the padding are dropped.
    """
    (rows, columns), (height, width) = windows.shape[2:4], out.shape[2:]
    framed = np.zeros((*out.shape[:2], height + 2 * padding[0], width + 2 * padding[1]), out.dtype)
    for row, column in np.ndindex(windows.shape[4:]):
        to = framed[:, :, row :: stride[0], column :: stride[1]]
        to[:, :, :rows, :columns] += windows[..., row, column]
    out[...] = framed[:, :, padding[0] :, padding[1] :][:, :, :height, :width]
    return out


def averages(inputs, outputs):
    """Return the matrix (outputs, inputs) of adaptive average pooling along one axis.

    Row i averages the inputs floor(i inputs / outputs) : ceil((i + 1) inputs / outputs).
    """
    place, i = np.arange(inputs), np.arange(outputs)[:, None]
    inside = (i * inputs // outputs <= place) & (place < -(-(i + 1) * inputs // outputs))
    return inside / inside.sum(axis=1, keepdims=True)
