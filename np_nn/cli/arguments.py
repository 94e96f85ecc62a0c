"""What the arguments mean for the program: settings, threads, folders, the data set."""

import shlex
import sys

from np_nn import data, ops
from np_nn.cli.settings import settings
from np_nn.recipes.prepare import prepare
from np_nn.utils import files


def parse(command, argv=None):
    """Parse the arguments, apply what is global (threads, kernels), and check the folders.

    The result has ``settings``, the Recipe with all changes applied, and ``command``, the
    command line, besides the arguments. Raises NpNNError for a folder that cannot be written.
    """
    words = sys.argv[1:] if argv is None else argv
    args = command.parse_args(words)
    args.command = shlex.join(["python", command.prog, *words])
    if "kernels" in args:
        ops.use(args.kernels)
    ops.set_threads(args.threads)
    args.settings = settings(args)
    given = vars(args)
    if not given.get("no_plots"):
        files.check_writable(args.out)
    for name in ("json", "report"):
        if given.get(name):
            files.check_file(given[name])
    return args


def load(args):
    """The data set that the arguments name, prepared as the settings want it.

    Says so at once if it is only a stand-in.
    """
    own = args.settings.dataset
    name = args.dataset or ("auto" if own == "mnist" else own)
    found = data.load(name, args.data_dir, quiet=args.quiet)
    if found.note and not args.quiet:
        reason = f" ({found.reason})" if found.reason else ""
        print(f"warning: {found.note}{reason}", file=sys.stderr)
    return prepare(args.settings, found)
