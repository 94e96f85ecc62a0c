"""Linear: fully connected layer."""

from np_nn import ops
from np_nn.layers import initializers
from np_nn.layers.module import Module, Parameter
from np_nn.layers.sparse import MatrixBatch, SparseBatch
from np_nn.utils.checks import WIDEST, check_range
from np_nn.utils.errors import NpNNError
from np_nn.utils.types import Array, Self


class Linear(Module):
    """Fully connected layer, y = x W + b; PyTorch's Linear.

    x (N, in_features), dense, a SparseBatch or a MatrixBatch -> y (N, out_features), float32. The
    weight is stored as (in_features, out_features), so that one input's weights are
    contiguous; ``state_dict`` gives PyTorch's (out_features, in_features). Weights and
    biases are initialised as in PyTorch, uniform in +-1/sqrt(in_features).

    Raises NpNNError for sizes below 1 and for an input of another width.
    """

    takes = "rows"

    def __init__(self, in_features: int, out_features: int, bias: bool = True) -> None:
        for size in (in_features, out_features):
            check_range(f"Linear({in_features}, {out_features}): sizes", size, most=WIDEST)
        super().__init__(in_features=in_features, out_features=out_features, bias=bias)
        fans = (in_features, out_features)
        self.weight = Parameter(initializers.default(fans, *fans), transposed=True)
        self.bias = Parameter(initializers.default((out_features,), *fans)) if bias else None

    @classmethod
    def of(cls, weight: Array, bias: Array | None) -> Self:
        """Return a layer on existing arrays, which training changes in place if C-contiguous.

        weight (in_features, out_features), bias (out_features,) or None.
        """
        layer = cls.__new__(cls)
        Module.__init__(
            layer, in_features=weight.shape[0], out_features=weight.shape[1], bias=bias is not None
        )
        layer.weight = Parameter(weight, transposed=True)
        layer.bias = None if bias is None else Parameter(bias)
        return layer

    def forward(self, x: Array) -> Array:
        if x.ndim != 2 or x.shape[1] != self.weight.shape[0]:
            raise NpNNError(f"{self} expects (batch, {self.weight.shape[0]}), got {x.shape}")
        self.ctx.x = x
        out = self._work("out", (len(x), self.weight.shape[1]), self.weight.data.dtype)
        weight, bias = self.weight.data, self.bias and self.bias.data
        if isinstance(x, SparseBatch | MatrixBatch):
            return x.times(weight, bias, out)
        return ops.linear_forward(x, weight, bias, out)

    def backward(self, grad: Array, input_grad: bool = True) -> Array | None:
        x = self.ctx.x
        if isinstance(x, SparseBatch | MatrixBatch):
            x.transposed_times(grad, self.weight.grad)
        else:
            ops.linear_backward_weight(x, grad, self.weight.grad)
        if self.bias:
            ops.linear_backward_bias(grad, self.bias.grad)
        if not input_grad:
            return None
        out = self._work("grad", x.shape, grad.dtype)
        return ops.linear_backward_input(grad, self.weight.data, out)

    def __repr__(self):
        sizes = "{in_features}, {out_features}".format(**self.config)
        return f"{type(self).__name__}({sizes}{'' if self.bias else ', bias=False'})"
