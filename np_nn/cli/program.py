"""A program from its arguments to its exit status: every error ends in one line."""

import logging
import os
import shlex
import sys

from np_nn import data, ops
from np_nn.cli import kernels, load_option, outputs, streams
from np_nn.cli.name import command_line, program_name
from np_nn.cli.settings import choose, settings
from np_nn.recipes.prepare import prepare
from np_nn.utils.errors import NpNNError

_notes = []  # of the arguments, for the end of a run that succeeds: see use


def run(main):
    """Run a program and exit with the status that its main() returns.

    Bad input and a failing disk end in one line on stderr and status 2, Ctrl-C
    in status 130; a reader of our output who leaves early is no error.
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
    """Return the exit status of a main(), whatever it raises."""
    try:
        ops.check_isa()
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


def _quieten_matplotlib():
    """It opens no window here, whatever backend is asked for, and needs no place for its cache."""
    os.environ["MPLBACKEND"] = "agg"
    logging.getLogger("matplotlib").setLevel(logging.ERROR)


def _fail(message, status):
    print(f"{program_name()}: error: {message}", file=sys.stderr)
    return status


def _discard_output():
    """Let Python's own flush at exit go nowhere, since writing to stdout has failed."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def parse(command, argv=None):
    """Parse the arguments, apply what is global (threads, kernels), and check what will be written.

    The result has ``command``, the command line, besides the arguments, and where the command
    takes a recipe ``settings``, the Recipe with all changes applied. Raises NpNNError for what
    cannot be written, and for two files in one place.
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
    """Apply the arguments' kernels and threads, where they have these.

    If NumPy will stand in for kernels that are missing, ``run`` says so at its end: not with
    --quiet, nor where NumPy was asked for.
    """
    _notes.clear()
    if "threads" in args:
        ops.set_threads(args.threads)
    if "kernels" in args:
        ops.use(args.kernels)
        if args.kernels == "auto" and not ops.KERNELS and not getattr(args, "quiet", False):
            _notes.append(f"note: NumPy computed this, not the kernels: {kernels.why_not()}\n")


def load(args):
    """Return the Dataset that the arguments name, prepared as the settings want it."""
    own = args.settings.dataset
    name = args.dataset or ("auto" if own == "mnist" else own)
    return prepare(args.settings, load_option.fitted(args, read(args, name)))


def read(args, name, preparation=None):
    """Return the Dataset of a name or path; warn at once of one that is a stand-in.

    args: have the options of ``add_data_options``, and quiet. preparation: of a model, by which the
    splits become its inputs; None: they are as they were read. Raises NpNNError, too, for an
    output in the place of one of its files.
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
