"""Lock between processes that update the same file."""

import os
from contextlib import contextmanager, suppress

from np_nn.utils.errors import NpNNError

try:
    import fcntl
except ImportError:  # Windows
    import msvcrt


@contextmanager
def locked(path):
    """Let one process at a time run a ``with`` block that reads and rewrites the file `path`.

    The lock is a file beside `path`, removed afterwards. The operating system releases the lock
    of a process that is killed. Raises NpNNError if the folder is not writable.
    """
    lock = path.with_name(f".{path.name}.lock")
    try:
        descriptor = _acquire(lock)
    except OSError as error:
        raise NpNNError(f"cannot lock {path}: {error.strerror or error}") from error
    try:
        yield
    finally:
        with suppress(OSError):  # Windows removes no open file
            os.unlink(lock)
        os.close(descriptor)


def _acquire(lock):
    """Return the descriptor of the locked file; its last owner may have removed the file."""
    while True:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            _wait(descriptor)
            if os.path.samestat(os.fstat(descriptor), os.stat(lock)):
                return descriptor
        except FileNotFoundError:
            pass
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _wait(descriptor):
    """Lock a file as soon as no other process locks it."""
    if os.name == "nt":
        msvcrt.locking(descriptor, msvcrt.LK_LOCK, 1)
    else:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
