"""Forward hooks: the output of each layer while a model runs."""

from contextlib import contextmanager


def leaves(model, prefix=""):
    """Yield (name, module) of each module without children, named as in ``state_dict``."""
    for name, child in model.children().items():
        if child.children():
            yield from leaves(child, f"{prefix}{name}.")
        else:
            yield prefix + name, child
    if not prefix and not model.children():
        yield "0", model


@contextmanager
def watched(model, see):
    """Call see(name, module, output) after each leaf's forward, inside the ``with`` block.

    The output is valid until the next forward.
    """

    def watch(name, module):
        forward = module.forward

        def seen(x):
            out = forward(x)
            see(name, module, out)
            return out

        module.forward = seen

    for name, module in leaves(model):
        watch(name, module)
    try:
        yield
    finally:
        for _, module in leaves(model):
            del module.forward
