"""What a package exports, derived from what it imports."""

import inspect


def exported(namespace):
    """Return the sorted public names of a package's ``vars()``, its modules aside: ``__all__``."""
    return sorted(
        name
        for name, value in namespace.items()
        if not (name.startswith("_") or inspect.ismodule(value))
    )
