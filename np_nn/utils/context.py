"""What an object keeps of its last use, without harm to other threads."""

import threading

from np_nn.utils.errors import NpNNError


class Context(threading.local):
    """What a layer or a loss keeps of its last use, for ``backward``: in each thread its own.

    arrays: {name: work array}. A copy or a pickle of the object begins without any of it.
    """

    def __init__(self):
        self.arrays = {}

    def __getattr__(self, name):
        if name.startswith("__"):  # what Python itself asks for
            raise AttributeError(name)
        raise NpNNError("backward needs a forward before it, in the same thread")

    def __reduce__(self):
        return Context, ()


class HasContext:
    """An object whose ``ctx`` is a Context: a copy of it, or what was pickled, has its own."""

    def __setstate__(self, state):
        for name, value in state.items():
            setattr(self, name, value)
        self.ctx = Context()
