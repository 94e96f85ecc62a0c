"""Conv2d: convolution of images."""

import math

from np_nn import ops
from np_nn.layers import initializers
from np_nn.layers.module import Module, Parameter
from np_nn.layers.sizes import pair, places
from np_nn.utils.checks import WIDEST, check_range
from np_nn.utils.errors import NpNNError
from np_nn.utils.types import Array, Shape, Size


class Conv2d(Module):
    """Weighted sum of each window of an image, with the same weights everywhere; PyTorch's.

    x (N, in_channels, H, W) -> y (N, out_channels, H', W') with
    H' = (H + 2 padding - kernel_size) // stride + 1, and W' alike. kernel_size, stride, padding:
    a number, or a pair (rows, columns). weight (out_channels, in_channels, rows, columns).
    Initial weights and biases: uniform in +-1/sqrt(in_channels * rows * columns), as in PyTorch.

    Raises NpNNError for invalid sizes, and for an input of another rank or number of channels, or
    smaller than the kernel. Source: LeCun et al. 1989.
    """

    takes = "images"

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Size, stride: Size = 1,
        padding: Size = 0, bias: bool = True,
    ) -> None:  # fmt: skip
        super().__init__(
            in_channels=in_channels, out_channels=out_channels, kernel_size=kernel_size,
            stride=stride, padding=padding, bias=bias,
        )  # fmt: skip
        for channels in (in_channels, out_channels):
            check_range(f"{self}: the numbers of channels", channels, most=WIDEST)
        kernel = pair(self, "kernel_size", kernel_size, 1)
        self.stride = pair(self, "stride", stride, 1)
        self.padding = pair(self, "padding", padding, 0)
        shape = (out_channels, in_channels, *kernel)
        fans = initializers.fans(shape)
        self.weight = Parameter(initializers.default(shape, *fans))
        self.bias = Parameter(initializers.default((out_channels,), *fans)) if bias else None

    def out_shape(self, shape: Shape) -> Shape:
        """Return the output's shape for an input's. Raises NpNNError if that does not fit."""
        units, channels, *kernel = self.weight.shape
        if len(shape) != 4 or shape[1] != channels:
            raise NpNNError(f"{self} expects (batch, {channels}, height, width), got {shape}")
        return shape[0], units, *places(self, shape[2:], kernel, self.stride, self.padding)

    @property
    def products(self) -> int:
        """Number of multiplications per image in the last forward pass."""
        return self.weight.data.size * math.prod(self.out_shape(self.ctx.x.shape)[2:])

    def forward(self, x: Array) -> Array:
        out = self._work("out", self.out_shape(x.shape), self.weight.data.dtype)
        self.ctx.x = x
        bias = self.bias and self.bias.data
        return ops.conv2d_forward(x, self.weight.data, bias, self.stride, self.padding, out)

    def backward(self, grad: Array, input_grad: bool = True) -> Array | None:
        x, geometry = self.ctx.x, (self.stride, self.padding)
        ops.conv2d_backward_weight(x, grad, *geometry, self.weight.grad)
        if self.bias:
            ops.conv2d_backward_bias(grad, self.bias.grad)
        if not input_grad:
            return None
        out = self._work("grad", x.shape, grad.dtype)
        return ops.conv2d_backward_input(grad, self.weight.data, *geometry, out)

    def __repr__(self):
        usual = {"stride": 1, "padding": 0, "bias": True}
        channels = "{in_channels}, {out_channels}".format(**self.config)
        more = [
            f"{name}={value}"
            for name, value in list(self.config.items())[2:]
            if name not in usual or value != usual[name]
        ]
        return f"{type(self).__name__}({', '.join([channels, *more])})"
