"""Outputs of a network as probabilities of its classes, where they can be read as such."""

from np_nn.layers import Sigmoid, Softmax
from np_nn.layers.module import is_chain
from np_nn.losses import LOSSES


def confidences(model, outputs):
    """Return (values (n, C), whether they are probabilities) of a model's outputs (n, C).

    Logits and log-probabilities go through Softmax; what a Softmax made is left alone. Outputs of
    a Sigmoid, and of a network that was trained on values instead of classes, are scores: of each
    class one by itself, the largest is the answer.
    """
    last = _last_layer(model)
    if isinstance(last, Sigmoid) or _learnt_values(model.info):
        return outputs, False
    return (outputs if isinstance(last, Softmax) else Softmax()(outputs)), True


def _last_layer(model):
    while is_chain(model) and len(model):
        model = model[-1]
    return model


def _learnt_values(info):
    """Return whether the recipe of a ModelInfo, or None, compares outputs with values."""
    text = info.recipe.get("loss", "") if info else ""
    name = text.partition(":")[0]
    return name in LOSSES and LOSSES[name].targets != "classes"
