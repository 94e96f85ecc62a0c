"""In use, a normalisation multiplies and adds fixed numbers: the layer before it can do that.

Source: Jacob et al. 2018, Quantization and training of neural networks for efficient
integer-arithmetic-only inference, section 3.2.
"""

import copy

from np_nn import ops
from np_nn.layers import BatchNorm1d, BatchNorm2d, Conv2d, Linear
from np_nn.layers.module import Parameter
from np_nn.training.fusion import rewrite

FOLDED = {Conv2d: BatchNorm2d, Linear: BatchNorm1d}  # what each layer can take over


def fold(model):
    """A model in ``eval()`` with each Conv2d or Linear and the BatchNorm behind it as one layer.

    Its outputs are the model's, but for rounding. What is folded has Parameters of its own, as
    they are now; the model's stay as they are, and all else is shared. Returns the model itself
    where there is nothing to fold, and if ``ops`` has no kernels: NumPy stays the textbook.
    """
    return rewrite(model, _run) if ops.active else model


def _run(layers):
    """(what folds them, how many of the first layers); (None, 1) if it is none."""
    pair = [type(layer) for layer in layers[:2]]
    return (_folded, 2) if len(pair) == 2 and FOLDED.get(pair[0]) is pair[1] else (None, 1)


def _folded(layer, norm):
    """A layer whose outputs are norm's of this layer's, with norm's running statistics."""
    scale, shift = norm.scale_and_shift()
    folded = copy.copy(layer)
    folded._arrays = {}
    weight, bias = layer.weight, shift
    if layer.bias:
        bias = layer.bias.data * scale + shift
    each = scale if weight.transposed else scale[:, None, None, None]
    folded.weight = Parameter(weight.data * each, weight.transposed)
    folded.bias = Parameter(bias.astype(weight.data.dtype, copy=False))
    return folded
