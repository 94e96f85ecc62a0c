"""Weight initialisers: where training starts from.

A layer is created with PyTorch's default, drawn from one generator that
``manual_seed`` restarts. ``initialize`` draws a whole model anew, by name.
"""

import math

import numpy as np

from np_nn import seeds
from np_nn.errors import unknown_name


def torch_uniform(rng, shape, fan_in, fan_out):
    """PyTorch's default for Linear, weights and biases: U(-1, 1) / sqrt(fan_in).

    torch.nn.Linear writes it as kaiming_uniform(a=sqrt(5)) (He et al. 2015),
    which comes to the same. Returns float32.
    """
    return _uniform(rng, shape, 1 / math.sqrt(fan_in))


def original_uniform(rng, shape, fan_in, fan_out):
    """The published NumPy networks' start: U(-1, 1) / sqrt(fan_in * fan_out).

    sqrt(fan_out) times smaller than PyTorch's (23 times in a layer of 512 units),
    which suits raw pixels of 0..255. Source: geohot/ai-notebooks, mnist_from_scratch.ipynb.
    Returns float32.
    """
    return _uniform(rng, shape, 1 / math.sqrt(fan_in * fan_out))


INITIALISERS = {"original": original_uniform, "torch": torch_uniform}

_rng = seeds.generator(0, "init")


def manual_seed(seed):
    """Restart the generator that new layers draw their weights from (int >= 0; 0 at import)."""
    global _rng
    _rng = seeds.generator(seed, "init")


def default(shape, fan_in, fan_out):
    """The values that a new layer starts from: PyTorch's default."""
    return torch_uniform(_rng, shape, fan_in, fan_out)


def initialize(model, name, seed):
    """Draw all weights and biases of a model anew, in place, and return the model.

    name: one of INITIALISERS. Raises NpNNError for another one.
    """
    if name not in INITIALISERS:
        raise unknown_name("initialiser", name, INITIALISERS)
    draw, rng = INITIALISERS[name], seeds.generator(seed, "init")
    for module in model.modules():
        weight, bias = getattr(module, "weight", None), getattr(module, "bias", None)
        for parameter in filter(None, (weight, bias)):
            parameter.data[...] = draw(rng, parameter.shape, *weight.shape)
    return model


def _uniform(rng, shape, bound):
    return rng.uniform(-bound, bound, shape).astype(np.float32)
