"""Execution of a program, from its arguments to its exit status: every error ends in one line."""

import logging
import os
import shlex
import sys

from np_nn import data, ops
from np_nn.cli import kernels, load_option, outputs, ranks, streams
from np_nn.cli.name import command_line, program_name
from np_nn.cli.settings import choose, settings, suited
from np_nn.recipes.prepare import prepare
from np_nn.utils.errors import NpNNError, one_line

_notes = []  # on the arguments, printed at the end of a run that succeeds: see use


def run(main):
    """Run a program and exit with the status that its main() returns.

    Bad input and disk errors end in one line on stderr and status 2, Ctrl-C in status 130.
    A closed pipe at stdout is not an error.
    """
    streams.prepare()
    _quieten_matplotlib()
    status = _status(main)
    try:
        sys.stdout.flush()
        if not status:
            print("".join(_notes), end="", file=sys.stderr)
    except BrokenPipeError:
        _discard_output()
    except OSError as error:
        _discard_output()
        status = _fail(error, 2)
    sys.exit(status)


def _status(main):
    """Return the exit status of a main(); errors become one line on stderr."""
    try:
        ops.check_isa()
        data.absolute_folders()
        return main()
    except SystemExit as stop:  # argparse's
        return stop.code
    except BrokenPipeError:
        return _discard_output()
    except KeyboardInterrupt:
        return _fail("interrupted before there was anything to keep", 130)
    except MemoryError as error:
        return _fail(f"not enough memory: {error}", 2)
    except NpNNError as error:
        return _fail(error, 2)
    except OSError as error:
        _discard_output()
        return _fail(error, 2)
    except Exception:
        ranks.crash()
        raise


def _quieten_matplotlib():
    """Select the backend agg, which opens no window, and hide warnings about the cache folder."""
    os.environ["MPLBACKEND"] = "agg"
    logging.getLogger("matplotlib").setLevel(logging.ERROR)


def _fail(message, status):
    return ranks.fail(f"{program_name()}: error: {one_line(message)}", status)


def _discard_output():
    """Send stdout to the null device, so that Python's flush at exit does not fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def parse(command, argv=None):
    """Parse the arguments, apply the global ones (threads, kernels), and check the outputs.

    Besides the arguments the result has ``command``, the command line, and, if the command takes
    a recipe, ``settings``, the Recipe with all changes applied. Raises NpNNError for outputs that
    cannot be written or that share a place.
    """
    words = sys.argv[1:] if argv is None else argv
    args = command.parse_args(words)
    args.command = shlex.join(command_line(words))
    use(args)
    if "recipe" in args or "settings" in args:
        if "recipe" in args:
            choose(args)
        load_option.adopt(args)
        args.settings = load_option.settings(args, settings(args))
    outputs.check(args)
    return args


def use(args):
    """Apply --kernels and --threads, if the command has them.

    If NumPy replaces missing kernels, ``run`` says so at its end, except with --quiet or if NumPy
    was asked for.
    """
    _notes.clear()
    if "threads" in args:
        ops.set_threads(args.threads)
    if "kernels" in args:
        ops.use(args.kernels)
        if args.kernels == "auto" and not ops.KERNELS and not getattr(args, "quiet", False):
            _notes.append(f"note: NumPy computed this, not the kernels: {kernels.why_not()}\n")


def load(args):
    """Return the Dataset that the arguments name, prepared as the settings want it.

    ``args.settings`` is first fitted to the Dataset, see ``settings.suited``.
    """
    own = args.settings.dataset
    name = args.dataset or ("auto" if own == "mnist" else own)
    found = load_option.fitted(args, read(args, name))
    args.settings = suited(args, found)
    return prepare(args.settings, found)


def read(args, name, preparation=None):
    """Return the Dataset of a name or path; warn if it is a substitute for the one asked for.

    args: with the options of ``add_data_options``, and quiet. preparation: the Preparation of a
    model, which turns the splits into its inputs; None: they stay as read. Also raises NpNNError
    for an output that would overwrite one of the data set's files.
    """
    found = data.load(
        name, args.data_dir, download=args.download, quiet=args.quiet, label=args.label,
        image_size=args.image_size, skip_unreadable=bool(args.skip_unreadable),
        preparation=preparation,
    )  # fmt: skip
    for path in data.paths(found):
        outputs.check_input(args, "the data set's", path)
    if found.note and not args.quiet:
        reason = f" ({found.reason})" if found.reason else ""
        print(f"warning: {found.note}{reason}", file=sys.stderr)
    return found
