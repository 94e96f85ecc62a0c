"""Normalisation layers: BatchNorm1d, BatchNorm2d and LayerNorm."""

from collections.abc import Callable

import numpy as np

from np_nn import ops
from np_nn.layers.module import Buffer, Module, Parameter
from np_nn.utils.checks import WIDEST, check_range
from np_nn.utils.errors import NpNNError
from np_nn.utils.types import Array


class BatchNorm(Module):
    """Base class of BatchNorm1d and BatchNorm2d, which differ in the shape of their input.

    axes: names of the axes after the features, for messages.
    """

    axes: tuple[str, ...] = ()

    def __init__(
        self, num_features: int, eps: float = 1e-5, momentum: float | None = 0.1,
        affine: bool = True,
    ) -> None:  # fmt: skip
        super().__init__(num_features=num_features, eps=eps, momentum=momentum, affine=affine)
        _check_settings(self, num_features, eps)
        if momentum is not None and not 0 <= momentum <= 1:
            raise NpNNError(f"{self}: momentum must be 0..1 or None")
        self.eps, self.momentum = eps, momentum
        self.weight, self.bias = _affine(affine, num_features)
        self.running_mean = Buffer(np.zeros(num_features, np.float32))
        self.running_var = Buffer(np.ones(num_features, np.float32))
        self.num_batches_tracked = Buffer(np.array(0, np.int64))

    def forward(self, x: Array) -> Array:
        if self.training:
            return self.train_forward(ops.batch_norm_forward, x)
        self._check(x)
        self.ctx.x, self.ctx.moments = x, None
        out = self._work("out", x.shape, x.dtype)
        return ops.batch_norm_apply(x, *_scaling(self, x), self.eps, *self._running(), out)

    def train_forward(self, operation: Callable[..., Array], x: Array) -> Array:
        """Normalise a batch by ``batch_norm_forward`` or an operation that fuses it with others."""
        self._check(x)
        features = self.config["num_features"]
        count = x.size // features
        if count < 2:
            raise NpNNError(f"{self} needs more than one sample a batch to train with")
        self.ctx.x, self.ctx.moments = x, np.empty((2, features), x.dtype)
        mean, variance = self.ctx.moments
        out = self._work("out", x.shape, x.dtype)
        operation(x, *_scaling(self, x), self.eps, out, mean, variance)
        self.num_batches_tracked.data += 1
        share = 1 / int(self.num_batches_tracked.data) if self.momentum is None else self.momentum
        ops.batch_norm_track(*self._running(), mean, variance, count, share)
        return out

    def scale_and_shift(self) -> tuple[Array, Array]:
        """Return (scale, shift), (F,) each: after ``eval()`` the layer gives x * scale + shift."""
        mean, variance = self._running()
        weight, bias = _scaling(self, mean[None])
        scale = weight / np.sqrt(variance + self.eps)
        return scale, bias - mean * scale

    def least_batch(self) -> int:
        """Return the smallest batch with a variance, of samples shaped like those last seen."""
        if "x" not in vars(self.ctx):
            return 1  # the layer was not used
        return -(-2 // (self.ctx.x[0].size // self.config["num_features"]))

    def _check(self, x):
        features = self.config["num_features"]
        if x.ndim != 2 + len(self.axes) or x.shape[1] != features:
            expected = ", ".join(["batch", str(features), *self.axes])
            raise NpNNError(f"{self} expects ({expected}), got {x.shape}")

    def _running(self) -> tuple[Array, Array]:
        return self.running_mean.data, self.running_var.data

    def backward(self, grad: Array, input_grad: bool = True) -> Array | None:
        if self.ctx.moments is not None:
            return self.train_backward(ops.batch_norm_backward, grad)
        return ops.batch_norm_apply_backward(
            grad, self.ctx.x, _scaling(self, grad)[0], self.eps, *self._running(),
            *self._gradients(grad),
        )  # fmt: skip

    def train_backward(self, operation: Callable[..., Array], *given: Array) -> Array:
        """Compute the gradients of ``train_forward``. given: the operation's arguments before x."""
        grad = given[0]
        return operation(
            *given, self.ctx.x, _scaling(self, grad)[0], *self.ctx.moments, self.eps,
            *self._gradients(grad),
        )  # fmt: skip

    def _gradients(self, grad):
        return *_gradients(self, grad), self._work("grad", grad.shape, grad.dtype)


class BatchNorm1d(BatchNorm):
    """Normalisation of each unit to mean 0 and variance 1 over the batch; PyTorch's.

    ``y = (x - mean) / sqrt(variance + eps) * weight + bias``

    x (N, num_features) -> the same shape. While training, mean and variance are the batch's,
    and the running ones move towards them by a share ``momentum`` (None: their plain average);
    after ``eval()`` the running ones are used.

    Raises NpNNError for an input of another width, a training batch of one sample, and invalid
    arguments. Source: Ioffe and Szegedy 2015.
    """

    takes, role, name = "rows", "norm", "batch"


class BatchNorm2d(BatchNorm):
    """BatchNorm1d for images: each channel, with all its pixels, is a unit; PyTorch's.

    x (N, num_features, H, W) -> the same shape. Raises NpNNError for an input of another rank or
    number of channels, a training batch of one pixel, and invalid arguments.
    """

    takes = "images"
    axes = ("height", "width")


class LayerNorm(Module):
    """Normalisation of each sample to mean 0 and variance 1 over its units; PyTorch's.

    ``y = (x - mean) / sqrt(variance + eps) * weight + bias``

    x (N, normalized_shape) -> the same shape; training and evaluation do not differ. Raises
    NpNNError for an input of another width and invalid arguments. Source: Ba et al. 2016.
    """

    takes, role, name = "rows", "norm", "layer"

    def __init__(
        self, normalized_shape: int, eps: float = 1e-5, elementwise_affine: bool = True
    ) -> None:
        super().__init__(
            normalized_shape=normalized_shape, eps=eps, elementwise_affine=elementwise_affine
        )
        _check_settings(self, normalized_shape, eps)
        self.eps = eps
        self.weight, self.bias = _affine(elementwise_affine, normalized_shape)

    def forward(self, x: Array) -> Array:
        features = self.config["normalized_shape"]
        if x.ndim != 2 or x.shape[1] != features:
            raise NpNNError(f"{self} expects (batch, {features}), got {x.shape}")
        weight, bias = _scaling(self, x)
        out = self._work("out", x.shape, x.dtype)
        self.ctx.normalised = self._work("normalised", x.shape, x.dtype)
        self.ctx.deviation = self._work("deviation", x.shape[:1], x.dtype)
        return ops.layer_norm_forward(
            x, weight, bias, self.eps, out, self.ctx.normalised, self.ctx.deviation
        )

    def backward(self, grad: Array, input_grad: bool = True) -> Array | None:
        weight, _ = _scaling(self, grad)
        weight_grad, bias_grad = _gradients(self, grad)
        out = self._work("grad", grad.shape, grad.dtype)
        return ops.layer_norm_backward(
            grad, self.ctx.normalised, weight, self.ctx.deviation, weight_grad, bias_grad, out
        )


def _check_settings(layer, features, eps):
    check_range(f"{layer}: the number of features", features, most=WIDEST)
    check_range(f"{layer}: eps", eps, 0)


def _affine(wanted, features):
    """Return new weight and bias, ones and zeros, or (None, None) if they are not wanted."""
    if not wanted:
        return None, None
    return Parameter(np.ones(features, np.float32)), Parameter(np.zeros(features, np.float32))


def _scaling(layer, x) -> tuple[Array, Array]:
    """Return weight and bias as arrays: those of the layer, else ones and zeros."""
    if layer.weight:
        return layer.weight.data, layer.bias.data
    return np.ones(x.shape[1], x.dtype), np.zeros(x.shape[1], x.dtype)


def _gradients(layer, grad):
    """Return the arrays that receive the gradients of weight and bias; scratch without them."""
    if layer.weight:
        return layer.weight.grad, layer.bias.grad
    return np.empty((2, grad.shape[1]), grad.dtype)
