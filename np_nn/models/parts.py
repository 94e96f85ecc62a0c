"""Layers that networks are told by name to use: their ``name`` and ``role`` say which and where."""

from np_nn import layers


def _named(role):
    """Return {name: class} of the layers of a role that have a name of their own."""
    classes = [getattr(layers, name) for name in layers.__all__]
    return {kind.name: kind for kind in classes if kind.role == role and "name" in vars(kind)}


ACTIVATIONS = _named("activation")
# What may follow the last layer; none for losses that take logits.
OUTPUTS = {"none": None, **ACTIVATIONS, **_named("output")}
NORMS = {"none": None, **_named("norm")}
