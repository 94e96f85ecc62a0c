"""Python files of the user: loaded as modules, and errors that name their lines."""

import importlib.util
import sys
import traceback

from np_nn.utils.errors import NpNNError


def load_module(path):
    """Return a file as a module, without a cache beside it. Raises NpNNError if that fails."""
    sys.dont_write_bytecode = True
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    guard(path)(lambda: spec.loader.exec_module(module))
    return module


def guard(path):
    """Return a function that calls a function, which runs code of the file.

    It raises NpNNError with the file's line for any exception of it; errors of np_nn pass.
    """

    def guarded(call):
        try:
            return call()
        except NpNNError:
            raise
        except (Exception, SystemExit) as error:
            said = f"{_place(error, path)}: {type(error).__name__}"
            text = error.msg if isinstance(error, SyntaxError) else error
            raise NpNNError(f"{said}: {text}") from error

    return guarded


def _place(error, path):
    """Return the last line of a file that an exception passed: "line 12"."""
    if isinstance(error, SyntaxError) and error.lineno:
        return f"line {error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == str(path)]
    return f"line {lines[-1]}" if lines else "outside of the file"
