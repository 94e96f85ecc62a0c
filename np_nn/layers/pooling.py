"""Pooling layers: MaxPool2d, AvgPool2d and AdaptiveAvgPool2d."""

import numpy as np

from np_nn import ops
from np_nn.layers.module import Module
from np_nn.layers.sizes import pair, places
from np_nn.utils.errors import NpNNError
from np_nn.utils.types import Array, Shape, Size

MOST_PLACES = 256  # maximum places of a window: a byte stores the place of the maximum


class Pooling(Module):
    """Base class of MaxPool2d and AvgPool2d: one number for each window of an image.

    x (N, C, H, W) -> y (N, C, H', W') with H' = (H + 2 padding - kernel_size) // stride + 1, and
    W' alike. kernel_size, stride, padding: a number, or a pair (rows, columns); stride None
    stands for kernel_size: windows do not overlap.
    """

    takes = "images"

    def __init__(self, kernel_size: Size, stride: Size | None = None, padding: Size = 0) -> None:
        super().__init__(kernel_size=kernel_size, stride=stride, padding=padding)
        kernel = pair(self, "kernel_size", kernel_size, 1)
        step = kernel if stride is None else pair(self, "stride", stride, 1)
        pads = pair(self, "padding", padding, 0)
        if any(2 * p > k for p, k in zip(pads, kernel, strict=True)):
            raise NpNNError(f"{self}: the padding must be at most half the window")
        self.geometry = kernel, step, pads

    def out_shape(self, shape: Shape) -> Shape:
        """Return the output's shape for an input's. Raises NpNNError if that does not fit."""
        _check_images(self, shape)
        return *shape[:2], *places(self, shape[2:], *self.geometry)

    def _out(self, x):
        self.ctx.shape = x.shape
        return self._work("out", self.out_shape(x.shape), x.dtype)


class MaxPool2d(Pooling):
    """Maximum of each window; PyTorch's MaxPool2d.

    Shapes and arguments: see Pooling. Padding is never the maximum, not even beside -infinity.
    The gradient goes to the maximum, the first among equals.

    Raises NpNNError for invalid sizes, windows of more than MOST_PLACES, padding of more than
    half a window, and an input of another rank or smaller than a window. Source: Zhou and
    Chellappa 1988.
    """

    def __init__(self, kernel_size: Size, stride: Size | None = None, padding: Size = 0) -> None:
        super().__init__(kernel_size, stride, padding)
        if np.prod(self.geometry[0]) > MOST_PLACES:
            raise NpNNError(f"{self}: a window may have at most {MOST_PLACES} places")

    def forward(self, x: Array) -> Array:
        out = self._out(x)
        self.ctx.where = self._work("where", out.shape, np.uint8)
        return ops.max_pool2d_forward(x, *self.geometry, out, self.ctx.where)

    def backward(self, grad: Array, input_grad: bool = True) -> Array | None:
        if not input_grad:
            return None
        out = self._work("grad", self.ctx.shape, grad.dtype)
        return ops.max_pool2d_backward(grad, self.ctx.where, *self.geometry, out)


class AvgPool2d(Pooling):
    """Mean of each window; PyTorch's AvgPool2d.

    Shapes and arguments: see Pooling. Padding counts as zeros.

    Raises NpNNError for invalid sizes, padding of more than half a window, and an input of
    another rank or smaller than a window. Source: LeCun et al. 1989.
    """

    def forward(self, x: Array) -> Array:
        return ops.avg_pool2d_forward(x, *self.geometry, self._out(x))

    def backward(self, grad: Array, input_grad: bool = True) -> Array | None:
        if not input_grad:
            return None
        out = self._work("grad", self.ctx.shape, grad.dtype)
        return ops.avg_pool2d_backward(grad, *self.geometry, out)


class AdaptiveAvgPool2d(Module):
    """Means of a fixed number of windows, for images of any size; PyTorch's.

    x (N, C, H, W) -> y ``(N, C, *output_size)``. output_size: a number, or a pair (rows, columns).
    Raises NpNNError for sizes below 1 and an input of another rank. Source: Lin et al. 2014,
    Network in network (output_size 1: one mean of each channel).
    """

    takes = "images"

    def __init__(self, output_size: Size) -> None:
        super().__init__(output_size=output_size)
        self.size = pair(self, "output_size", output_size, 1)

    def forward(self, x: Array) -> Array:
        _check_images(self, x.shape)
        self.ctx.shape = x.shape
        out = self._work("out", (*x.shape[:2], *self.size), x.dtype)
        return ops.adaptive_avg_pool2d_forward(x, out)

    def backward(self, grad: Array, input_grad: bool = True) -> Array | None:
        if not input_grad:
            return None
        return ops.adaptive_avg_pool2d_backward(
            grad, self._work("grad", self.ctx.shape, grad.dtype)
        )


def _check_images(layer, shape):
    if len(shape) != 4 or 0 in shape[2:]:
        raise NpNNError(f"{layer} expects (batch, channels, height, width), got {shape}")
