"""Description of a network as plain values: what a file needs to rebuild it."""

from np_nn.utils.plain import plain

OURS = "np_nn."  # how the names of the modules begin whose classes go by their own name


def describe(network, info=None):
    """Return {"layers", "info"} of a network.

    "layers" lists the module and all those inside it, depth first: its name, which begins the names
    of its arrays, its type, and its constructor's arguments. "info" is ``info`` as plain values.
    """
    layers = [_layer(name, module) for name, module in network.named_modules()]
    return {"layers": layers, "info": plain(info)}


def _layer(name, module):
    """Describe one layer. A class of the user's own goes by its whole name, without arguments."""
    kind = type(module)
    if not kind.__module__.startswith(OURS):
        return {"name": name, "type": f"{kind.__module__}.{kind.__qualname__}"}
    return {"name": name, "type": kind.__qualname__, "config": plain(module.config)}
