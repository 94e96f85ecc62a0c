"""What networks are put together from, by name."""

from np_nn.layers import (
    ELU,
    GELU,
    BatchNorm1d,
    LayerNorm,
    LeakyReLU,
    LogSoftmax,
    ReLU,
    ScaledTanh,
    Sigmoid,
    SiLU,
    Softmax,
    Tanh,
)

ACTIVATIONS = {
    "relu": ReLU,
    "sigmoid": Sigmoid,
    "tanh": Tanh,
    "scaled_tanh": ScaledTanh,
    "leaky_relu": LeakyReLU,
    "elu": ELU,
    "gelu": GELU,
    "silu": SiLU,
}
# What may follow the last layer; none for losses that take logits.
OUTPUTS = {"none": None, **ACTIVATIONS, "softmax": Softmax, "log_softmax": LogSoftmax}
NORMS = {"none": None, "batch": BatchNorm1d, "layer": LayerNorm}
