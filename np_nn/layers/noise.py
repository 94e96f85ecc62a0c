"""GaussianNoise: noise added while training."""

from np_nn import ops
from np_nn.layers import initializers
from np_nn.layers.module import Module
from np_nn.utils.checks import check_range
from np_nn.utils.types import Array


class GaussianNoise(Module):
    """Additive noise, y = x + std * normal random numbers; Keras' GaussianNoise.

    x of any shape -> the same shape. The gradient passes unchanged. After ``eval()`` y = x.
    Raises NpNNError for a std that is negative or not finite. Source: Bishop 1995, Training
    with noise is equivalent to Tikhonov regularization.
    """

    def __init__(self, std: float = 0.1) -> None:
        super().__init__(std=std)
        check_range("GaussianNoise: std", std, 0)
        self.std = std
        self.stream = initializers.stream()

    def forward(self, x: Array) -> Array:
        if not self.training or not self.std:
            return x
        out = self._work("out", x.shape, x.dtype)
        return ops.gaussian_noise(x, self.std, self.stream.next(), out)

    def backward(self, grad: Array, input_grad: bool = True) -> Array | None:
        return grad
