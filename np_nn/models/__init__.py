"""Networks by name, built from layers.

Each is a function whose arguments, except the sizes of input and output, are fields of a Recipe;
its signature determines which fields apply.
"""

from np_nn.models.convolutional import convnet, lenet, lenet5, simard
from np_nn.models.mlp import mlp
from np_nn.models.parts import ACTIVATIONS, NORMS, OUTPUTS
from np_nn.models.perceptron import Perceptron
from np_nn.models.residual import residual_mlp, resnet

MODELS = {
    "mlp": mlp,
    "residual_mlp": residual_mlp,
    "lenet5": lenet5,
    "lenet": lenet,
    "convnet": convnet,
    "simard": simard,
    "resnet": resnet,
}

__all__ = [
    "Perceptron", "convnet", "lenet", "lenet5", "mlp", "residual_mlp", "resnet", "simard",
]  # fmt: skip
