"""Tables of the layers that networks choose by ``name``, one table for each ``role``."""

from np_nn import layers
from np_nn.utils.errors import NpNNError


def channels_of(image):
    """Return the channels of an image (C, H, W). Raises NpNNError for another shape."""
    if len(image) != 3:
        raise NpNNError(f"image must be (channels, height, width), got {image}")
    return image[0]


def _named(role):
    """Return {name: class} of the layers of a role that have a name of their own."""
    classes = [getattr(layers, name) for name in layers.__all__]
    return {kind.name: kind for kind in classes if kind.role == role and "name" in vars(kind)}


ACTIVATIONS = _named("activation")
# Layers that may follow the last Linear layer; "none" for losses that take logits.
OUTPUTS = {"none": None, **ACTIVATIONS, **_named("output")}
NORMS = {"none": None, **_named("norm")}
