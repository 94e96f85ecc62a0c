"""Thread-local state that an object keeps of its last forward pass."""

import threading
from typing import TYPE_CHECKING, Any

from np_nn.utils.errors import NpNNError


class Context(threading.local):
    """State that a layer or a loss keeps for ``backward``, separate in each thread.

    arrays: {name: work array}. Copies and pickles start with an empty Context.
    """

    def __init__(self):
        self.arrays = {}

    def __getattr__(self, name):
        if name.startswith("__"):  # Python's own protocols, such as copy and pickle
            raise AttributeError(name)
        raise NpNNError("backward needs a forward before it, in the same thread")

    def __reduce__(self):
        return Context, ()


class Initialised:
    """Base class of objects with a ``config``, whose subclasses must call super().__init__()."""

    config: dict[str, Any]

    if not TYPE_CHECKING:  # else every attribute would exist for a type checker

        def __getattr__(self, name):
            """Raise the error of a missing attribute, in our words if __init__ did not run."""
            kind = type(self).__name__
            if "config" in vars(self) or name.startswith("__"):
                raise AttributeError(f"{kind!r} object has no attribute {name!r}")
            raise NpNNError(f"{kind}: its __init__ must call super().__init__() first")


class HasContext(Initialised):
    """Base class of objects with a Context ``ctx``; each copy or unpickled object has its own."""

    ctx: Any

    def __setstate__(self, state):
        for name, value in state.items():
            setattr(self, name, value)
        self.ctx = Context()
