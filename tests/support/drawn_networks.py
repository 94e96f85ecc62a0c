"""Networks that the page of np-nn draw can show, with random weights."""

import numpy as np

import np_nn as nn
from np_nn.data.preparation import Preparation

INFO = nn.ModelInfo(tuple("0123456789"), Preparation("digit", (28, 28), scale=1 / 255))


def network(*layers, info=INFO, seed=0):
    """Return a Sequential with an info, random weights and running moments."""
    model = nn.initialize(nn.Sequential(*layers), "torch", seed)
    rng = np.random.default_rng(seed)
    for module in model.modules():
        if hasattr(module, "running_mean"):
            for held in (module.running_mean, module.running_var, module.weight, module.bias):
                held.data[...] = rng.uniform(0.5, 1.5, held.data.shape)
    model.info = info
    return model.eval()


def rows():
    """Return a network of rows with all activations."""
    return network(
        nn.Dropout(0.1), nn.Linear(784, 24), nn.BatchNorm1d(24), nn.GELU(), nn.Linear(24, 20),
        nn.Tanh(), nn.Linear(20, 20), nn.ScaledTanh(), nn.Linear(20, 20, bias=False), nn.Sigmoid(),
        nn.Linear(20, 20), nn.Softmax(), nn.Linear(20, 10), nn.LogSoftmax(),
    )  # fmt: skip


def images_of(size=6):
    """Return a network of images: convolutions with strides and paddings, all poolings."""
    return network(
        nn.Conv2d(1, size, 5, stride=2, padding=1), nn.BatchNorm2d(size), nn.LeakyReLU(0.1),
        nn.MaxPool2d(3, stride=2, padding=1), nn.Conv2d(size, 7, (3, 2), bias=False, padding=1),
        nn.ELU(), nn.AvgPool2d(2, stride=1), nn.SiLU(), nn.AdaptiveAvgPool2d((3, 2)), nn.Flatten(),
        nn.Linear(42, 16), nn.ReLU(), nn.Linear(16, 10),
    )  # fmt: skip


def mlp(hidden, info=INFO):
    return network(nn.Linear(784, hidden), nn.ReLU(), nn.Linear(hidden, 10), info=info)


NETWORKS = {"rows": rows, "images": images_of}
