"""A program from its start to its exit status: every error ends in one line."""

import logging
import os
import sys
from pathlib import Path

from np_nn.utils.errors import NpNNError


def run(main):
    """Run a program and exit with the status that its main() returns.

    Bad input and a failing disk end in one line on stderr and status 2, Ctrl-C
    in status 130; a reader of our output who leaves early is no error.
    """
    _quieten_matplotlib()
    try:
        status = main()
        sys.stdout.flush()
    except BrokenPipeError:
        status = _discard_output()
    except KeyboardInterrupt:
        status = _fail("interrupted before there was anything to keep", 130)
    except MemoryError as error:
        status = _fail(f"not enough memory: {error}", 2)
    except NpNNError as error:
        status = _fail(error, 2)
    except OSError as error:
        _discard_output()
        status = _fail(error, 2)
    sys.exit(status)


def _quieten_matplotlib():
    """It opens no window here, whatever backend is asked for, and needs no place for its cache."""
    os.environ["MPLBACKEND"] = "agg"
    logging.getLogger("matplotlib").setLevel(logging.ERROR)


def _fail(message, status):
    print(f"{Path(sys.argv[0]).name}: error: {message}", file=sys.stderr)
    return status


def _discard_output():
    """Let Python's own flush at exit go nowhere, since writing to stdout has failed."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0
