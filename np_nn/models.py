"""Networks by name, built from layers."""

from itertools import pairwise

from np_nn import init
from np_nn.layers import Linear, ReLU
from np_nn.module import Sequential

ACTIVATIONS = {"relu": ReLU}


def mlp(sizes, activation="relu", bias=True):
    """A multilayer perceptron: Linear layers with an activation between them.

    sizes: the width of every layer, inputs first: ``mlp((784, 512, 10))`` is
    Linear(784, 512), ReLU(), Linear(512, 10). activation: a name in ACTIVATIONS.
    """
    layers = []
    for inputs, outputs in pairwise(sizes):
        layers += [Linear(inputs, outputs, bias=bias), ACTIVATIONS[activation]()]
    return Sequential(*layers[:-1])


def build(settings, data, seed):
    """The network of a Recipe for a Dataset, with the weights that the seed gives."""
    sizes = settings.sizes(data.train.images[0].size, len(data.classes))
    return init.initialize(mlp(sizes, settings.activation, settings.bias), settings.init, seed)
