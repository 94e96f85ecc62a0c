"""What convolution and pooling share: the windows that a kernel slides over an image.

Images are (N, C, H, W), PyTorch's layout; kernel, stride and padding are pairs (rows, columns).
Window (i, j) holds the kernel's size of padded rows from i * stride[0] and columns from
j * stride[1]; H' x W' of them fit.
"""

import numpy as np


def sizes(image, kernel, stride, padding):
    """(H', W'): how many windows fit into an image (H, W)."""
    return tuple(
        (size + 2 * p - k) // s + 1
        for size, k, s, p in zip(image, kernel, stride, padding, strict=True)
    )


def of(x, kernel, stride, padding, fill=0):
    """All windows of x (N, C, H, W): a view (N, C, H', W', kh, kw) of x with a frame of fill."""
    if any(padding):
        frame = ((0, 0), (0, 0), (padding[0],) * 2, (padding[1],) * 2)
        x = np.pad(x, frame, constant_values=fill)
    windows = np.lib.stride_tricks.sliding_window_view(x, tuple(kernel), axis=(2, 3))
    return windows[:, :, :: stride[0], :: stride[1]]


def add(windows, stride, padding, out):
    """The way back: each pixel of out (N, C, H, W) is the sum of what stands for it in windows.

    windows (N, C, H', W', kh, kw). A pixel is in several windows where they overlap, and in none
    where a stride leaves it out; what stands in the frame is dropped.
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
