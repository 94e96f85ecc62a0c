"""``__all__`` of a package, derived from its imports."""

import inspect


def exported(namespace):
    """Return ``__all__``: the sorted public names of a package's ``vars()`` except modules."""
    return sorted(
        name
        for name, value in namespace.items()
        if not (name.startswith("_") or inspect.ismodule(value))
    )
