"""Description of a network as plain values: what a file needs to rebuild it."""

from np_nn.utils.plain import plain

OURS = "np_nn."  # prefix of the Python modules whose classes are stored by their bare name


def describe(network, info=None):
    """Return {"layers", "info"} of a network.

    "layers" lists the module and its descendants, depth first: name (prefix of the names of its
    arrays), type and constructor arguments of each. "info" is ``info`` as plain values.
    """
    layers = [_layer(name, module) for name, module in network.named_modules()]
    return {"layers": layers, "info": plain(info)}


def _layer(name, module):
    """Describe one layer; a user-defined class by its qualified name, without arguments."""
    kind = type(module)
    if not kind.__module__.startswith(OURS):
        return {"name": name, "type": f"{kind.__module__}.{kind.__qualname__}"}
    return {"name": name, "type": kind.__qualname__, "config": plain(module.config)}
