"""Weight initialisers.

A new layer is initialised by PyTorch's default, drawn from one generator that
``manual_seed`` restarts. ``initialize`` draws a whole model again, by name.
"""

import math

import numpy as np

from np_nn.layers.module import AnyModule
from np_nn.utils import seeds
from np_nn.utils.errors import unknown_name


def torch_uniform(rng, shape, fan_in, fan_out):
    """Draw PyTorch's default, weights and biases: U(-1, 1) / sqrt(fan_in).

    torch.nn.Linear and Conv2d write it as kaiming_uniform(a=sqrt(5)) (He et al. 2015),
    which is the same. Returns float32.
    """
    return _uniform(rng, shape, 1 / math.sqrt(fan_in))


def original_uniform(rng, shape, fan_in, fan_out):
    """Draw the published NumPy networks' initial values: U(-1, 1) / sqrt(fan_in * fan_out).

    They are sqrt(fan_out) times smaller than PyTorch's (23 times in a layer of 512 units),
    which suits raw pixels of 0..255. Source: geohot/ai-notebooks, mnist_from_scratch.ipynb.
    Returns float32.
    """
    return _uniform(rng, shape, 1 / math.sqrt(fan_in * fan_out))


def fan_out_normal(rng, shape, fan_in, fan_out):
    """Draw normal weights and biases of standard deviation fan_out^-1/2.

    Source: Rashid 2016, Make Your Own Neural Network; Mr-TalhaIlyas'
    Neural-Network-from-Scratch-using-Numpy. Returns float32.
    """
    return _normal(rng, shape, 1 / math.sqrt(fan_out))


def standard_normal(rng, shape, fan_in, fan_out):
    """Draw normal weights and biases of standard deviation 1.

    Source: Nielsen 2015, Neural Networks and Deep Learning, chapter 1. Returns float32.
    """
    return _normal(rng, shape, 1.0)


def xavier_uniform(rng, shape, fan_in, fan_out):
    """Draw U(-1, 1) * sqrt(6 / (fan_in + fan_out)); biases 0. Glorot and Bengio 2010. float32."""
    return _weights_only(shape, lambda: _uniform(rng, shape, math.sqrt(6 / (fan_in + fan_out))))


def xavier_normal(rng, shape, fan_in, fan_out):
    """Draw N(0, 1) * sqrt(2 / (fan_in + fan_out)); biases 0. Glorot and Bengio 2010. float32."""
    return _weights_only(shape, lambda: _normal(rng, shape, math.sqrt(2 / (fan_in + fan_out))))


def kaiming_uniform(rng, shape, fan_in, fan_out):
    """Draw U(-1, 1) * sqrt(6 / fan_in), for ReLU; biases 0. He et al. 2015. Returns float32."""
    return _weights_only(shape, lambda: _uniform(rng, shape, math.sqrt(6 / fan_in)))


def kaiming_normal(rng, shape, fan_in, fan_out):
    """Draw N(0, 1) * sqrt(2 / fan_in), for ReLU; biases 0. He et al. 2015. Returns float32."""
    return _weights_only(shape, lambda: _normal(rng, shape, math.sqrt(2 / fan_in)))


def orthogonal(rng, shape, fan_in, fan_out):
    """Draw a matrix with orthonormal rows or columns; biases 0. Saxe et al. 2014. float32.

    Weights (O, C, kh, kw) of a convolution: as a matrix (O, C kh kw), like PyTorch's.
    """
    return _weights_only(shape, lambda: _orthogonal(rng, _as_matrix(shape)).reshape(shape))


def zeros(rng, shape, fan_in, fan_out):
    """Return zeros, float32: not a useful start, because all units of a layer stay equal."""
    return np.zeros(shape, np.float32)


INITIALISERS = {
    "original": original_uniform,
    "torch": torch_uniform,
    "xavier_uniform": xavier_uniform,
    "xavier_normal": xavier_normal,
    "kaiming_uniform": kaiming_uniform,
    "kaiming_normal": kaiming_normal,
    "orthogonal": orthogonal,
    "fan_out_normal": fan_out_normal,
    "standard_normal": standard_normal,
    "zeros": zeros,
}


def stream():
    """Return a Stream with a new seed for the random numbers of a layer, such as Dropout."""
    return seeds.Stream(seeds.default("init").integers(2**63))


def default(shape, fan_in, fan_out):
    """Draw the initial values of a new layer: PyTorch's default."""
    return torch_uniform(seeds.default("init"), shape, fan_in, fan_out)


def initialize(model: AnyModule, name: str, seed: int) -> AnyModule:
    """Draw new weights and biases for a model's Linear and Conv2d layers; return the model.

    name: one of INITIALISERS. Raises NpNNError for another name.
    """
    if name not in INITIALISERS:
        raise unknown_name("initialiser", name, INITIALISERS)
    draw, rng = INITIALISERS[name], seeds.generator(seed, "init")
    for module in model.modules():
        weight, bias = getattr(module, "weight", None), getattr(module, "bias", None)
        if weight and len(weight.shape) > 1:  # a normalisation keeps its initial 1 and 0
            for parameter in filter(None, (weight, bias)):
                parameter.data[...] = draw(rng, parameter.shape, *fans(weight.shape))
    return model


def fans(shape):
    """Return (fan_in, fan_out): the number of inputs per unit, and of units per input.

    shape: that of Linear's weights, (I, O), or of Conv2d's, (O, C, kh, kw).
    """
    if len(shape) == 2:
        return shape
    units, channels, *kernel = shape
    return channels * math.prod(kernel), units * math.prod(kernel)


def _uniform(rng, shape, bound):
    return rng.uniform(-bound, bound, shape).astype(np.float32)


def _normal(rng, shape, deviation):
    return rng.normal(0.0, deviation, shape).astype(np.float32)


def _as_matrix(shape):
    return shape[0], math.prod(shape[1:])


def _orthogonal(rng, shape):
    tall = rng.normal(size=(max(shape), min(shape)))
    q, r = np.linalg.qr(tall)
    q *= np.sign(np.diag(r))  # uniform over all orthogonal matrices (Mezzadri 2007)
    return (q if shape[0] >= shape[1] else q.T).astype(np.float32)


def _weights_only(shape, draw):
    """Return drawn weights, or zeros for biases, which have one axis."""
    return draw() if len(shape) > 1 else np.zeros(shape, np.float32)
