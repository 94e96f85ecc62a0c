"""9. Convolution: why learn the same stroke anew at every place of the image?

A layer of weighted sums has a weight for each pixel. A convolution has one small window of
weights, kh x kw, and moves it over the image: each place gives one output, the weighted sum of the
pixels that the window covers there. An image has C channels, and the layer O such windows.

The window moves by stride = (s, t) rows and columns at a time. Before, padding = (p, q) rows and
columns of zeros are added at each edge. H' = (H + 2 p - kh) // s + 1 rows fit, W' columns likewise.

Replace the line that raises NotImplementedError, then run

    np-nn check 09_convolution.py

Seven nested loops are right, but slow: the check then trains for a few steps only.
"""

import numpy as np


def conv2d_forward(x, weight, bias, stride, padding, out):
    """Compute the weighted sum of each window.

    x (N, C, H, W), weight (O, C, kh, kw), bias (O,) or None for no bias, out (N, O, H', W').
    padded is x with its zeros around it, and stride is (s, t).

        out[n, o, h, w] = sum over c, k, l of padded[n, c, s * h + k, t * w + l] * weight[o, c, k, l] + bias[o]
    """  # noqa: E501
    # >>>
    # hint: np.pad(x, ((0, 0), (0, 0), (p, p), (q, q))) adds the zeros
    # hint: loop over the window's places k, l: padded[:, :, k::s, l::t], cut to H' and W', is
    # hint: what weight[:, :, k, l] sees at all places; np.einsum("nchw,oc->nohw", ...) adds over c
    # hint: out[...] = 0 first, then out += for each (k, l), and bias[:, None, None] at the end
    (s, t), (p, q) = stride, padding
    padded = np.pad(x, ((0, 0), (0, 0), (p, p), (q, q)))
    rows, columns = out.shape[2:]
    out[...] = 0
    for k, l in np.ndindex(*weight.shape[2:]):  # noqa: E741
        seen = padded[:, :, k::s, l::t][:, :, :rows, :columns]
        out += np.einsum("nchw,oc->nohw", seen, weight[:, :, k, l])
    if bias is not None:
        out += bias[:, None, None]
    return out
    # <<<


# >>> check
def _case(c):
    stride, padding = [((1, 1), (0, 0)), ((2, 1), (1, 2))][c.number % 2]
    height, width = 5 + c.number, 6
    rows = (height + 2 * padding[0] - 3) // stride[0] + 1
    columns = (width + 2 * padding[1] - 2) // stride[1] + 1
    x, weight = c.x(c.n, c.i, height, width), c.x(c.o, c.i, 3, 2)
    return x, weight, c.bias(c.o), stride, padding, c.out(c.n, c.o, rows, columns)


CASES = {"conv2d_forward": _case}
OPTIONS = "--model", "lenet", "--channels", "4", "8", "--hidden", "32", "--steps", "100"
# <<<
