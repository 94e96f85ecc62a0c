"""Activations: what a unit makes of its weighted sum."""

from np_nn import ops
from np_nn.module import Module


class ReLU(Module):
    """y = max(x, 0), elementwise; PyTorch's ReLU (Nair and Hinton 2010)."""

    def forward(self, x):
        self._y = ops.relu_forward(x, self._buffer("out", x.shape, x.dtype))
        return self._y

    def backward(self, grad, input_grad=True):
        if not input_grad:
            return None
        return ops.relu_backward(grad, self._y, self._buffer("grad", grad.shape, grad.dtype))
