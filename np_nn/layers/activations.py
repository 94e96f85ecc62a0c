"""Activation layers.

Each works on arrays of any shape (Softmax and LogSoftmax on rows) and has one forward and one
backward formula in ``reference/activations.py``.
"""

from np_nn import ops
from np_nn.layers.module import Module
from np_nn.utils.errors import NpNNError
from np_nn.utils.types import Array


class Activation(Module):
    """Base class of activations: y = f(x), and dL/dx = f'(x) * dL/dy.

    name: prefix of the functions in ``ops``, and name on the command line. keeps: "x" or "y",
    the array that the backward formula needs. settings: further arguments of the functions.
    """

    role = "activation"
    name = ""
    keeps = "y"
    settings: tuple = ()

    def forward(self, x: Array) -> Array:
        forward = getattr(ops, f"{self.name}_forward")
        y = forward(x, *self.settings, self._work("out", x.shape, x.dtype))
        self.ctx.kept = x if self.keeps == "x" else y
        return y

    def backward(self, grad: Array, input_grad: bool = True) -> Array | None:
        if not input_grad:
            return None
        backward = getattr(ops, f"{self.name}_backward")
        return backward(
            grad, self.ctx.kept, *self.settings, self._work("grad", grad.shape, grad.dtype)
        )


class Sigmoid(Activation):
    """Logistic function, y = 1 / (1 + exp(-x)); PyTorch's Sigmoid."""

    name = "sigmoid"
    onnx = "Sigmoid", {}


class Tanh(Activation):
    """Hyperbolic tangent, y = tanh(x); PyTorch's Tanh."""

    name = "tanh"
    onnx = "Tanh", {}


class ScaledTanh(Activation):
    """Scaled tanh, y = 1.7159 tanh(2/3 x): y(1) = 1 (LeCun et al. 1998, Efficient BackProp)."""

    name = "scaled_tanh"


class ReLU(Activation):
    """Rectified linear unit, y = max(x, 0); PyTorch's ReLU (Nair and Hinton 2010)."""

    name = "relu"
    onnx = "Relu", {}


class LeakyReLU(Activation):
    """Leaky ReLU, y = x where x > 0, else negative_slope * x; PyTorch's (Maas et al. 2013).

    Raises NpNNError for a slope that is not finite.
    """

    name, keeps = "leaky_relu", "x"
    onnx = "LeakyRelu", {"alpha": "negative_slope"}

    def __init__(self, negative_slope: float = 0.01) -> None:
        super().__init__(negative_slope=negative_slope)
        self.settings = (negative_slope,)


class ELU(Activation):
    """ELU, y = x where x > 0, else alpha (exp(x) - 1); PyTorch's ELU (Clevert et al. 2016).

    Raises NpNNError for an alpha that is not finite.
    """

    name, keeps = "elu", "x"
    onnx = "Elu", {"alpha": "alpha"}

    def __init__(self, alpha: float = 1.0) -> None:
        super().__init__(alpha=alpha)
        self.settings = (alpha,)


class GELU(Activation):
    """GELU, y = x Phi(x), Phi the normal distribution; PyTorch's (Hendrycks and Gimpel 2016)."""

    name, keeps = "gelu", "x"


class SiLU(Activation):
    """SiLU, y = x sigmoid(x), also called swish; PyTorch's SiLU (Elfwing et al. 2018)."""

    name, keeps = "silu", "x"


class RowActivation(Activation):
    """Activation of whole rows: PyTorch's with dim=1."""

    role = "output"

    def __init__(self, dim: int = 1) -> None:
        super().__init__(dim=dim)
        if dim not in (1, -1):
            raise NpNNError(f"{type(self).__name__}: dim must be 1, the classes, got {dim}")

    def forward(self, x: Array) -> Array:
        if x.ndim != 2:
            raise NpNNError(f"{self} expects (batch, classes), got {x.shape}")
        return super().forward(x)


class Softmax(RowActivation):
    """Probabilities y[n, c] = exp(x[n, c]) / sum_k exp(x[n, k]); PyTorch's (Bridle 1990)."""

    name = "softmax"
    onnx = "Softmax", {"axis": "dim"}


class LogSoftmax(RowActivation):
    """Logarithm of Softmax, for NLLLoss; PyTorch's LogSoftmax."""

    name = "log_softmax"
    onnx = "LogSoftmax", {"axis": "dim"}
