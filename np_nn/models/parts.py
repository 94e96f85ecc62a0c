"""Tables of the layers that networks choose by ``name``, one table for each ``role``."""

from np_nn import layers


def _named(role):
    """Return {name: class} of the layers of a role that have a name of their own."""
    classes = [getattr(layers, name) for name in layers.__all__]
    return {kind.name: kind for kind in classes if kind.role == role and "name" in vars(kind)}


ACTIVATIONS = _named("activation")
# Layers that may follow the last Linear layer; "none" for losses that take logits.
OUTPUTS = {"none": None, **ACTIVATIONS, **_named("output")}
NORMS = {"none": None, **_named("norm")}
