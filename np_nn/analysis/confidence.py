"""Class probabilities of a network's outputs, where they can be interpreted as such."""

from np_nn.layers import Sigmoid, Softmax
from np_nn.layers.module import is_chain
from np_nn.losses import LOSSES


def confidences(model, outputs):
    """Return (values (n, C), whether they are probabilities) of a model's outputs (n, C).

    Logits and log-probabilities go through Softmax; outputs of a Softmax layer stay as they are.
    Outputs of a Sigmoid, and of a network trained on values instead of classes, are independent
    scores of the classes: the largest is the answer, but they are not probabilities.
    """
    last = _last_layer(model)
    if isinstance(last, Sigmoid) or _has_value_loss(model.info):
        return outputs, False
    return (outputs if isinstance(last, Softmax) else Softmax()(outputs)), True


def _last_layer(model):
    while is_chain(model) and len(model):
        model = model[-1]
    return model


def _has_value_loss(info):
    """Return whether the recipe of a ModelInfo, or None, has a loss on values, not classes."""
    text = info.recipe.get("loss", "") if info else ""
    name = text.partition(":")[0]
    return name in LOSSES and LOSSES[name].targets != "classes"
