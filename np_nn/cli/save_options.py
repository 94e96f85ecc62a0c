"""Options --save, --resume, --export, --log and --tensorboard of a training."""

import sys
from functools import partial

from np_nn import cli
from np_nn.cli import load_option
from np_nn.cli.settings import option_names
from np_nn.recipes.recipe import LENGTH, Recipe, hyperparameters
from np_nn.saving import export
from np_nn.saving.loggers import JSONLogger, TensorBoard
from np_nn.training.checkpoint import Checkpoint, load_checkpoint
from np_nn.utils.converters import file_path
from np_nn.utils.errors import NpNNError

# Options that decide how a network is trained; a checkpoint holds the given ones.
READING = ("label", "image_size", "skip_unreadable")  # of the data
TRAINING = ("recipe", *option_names(Recipe), *READING, "seed", "input")
LOADED = "network of the file"  # key beside them, true if training began with --load


def add_options(command):
    """Add the arguments, in a group of their own."""
    group = command.add_argument_group("saving and resuming", "For a training of one seed.")
    add, number = group.add_argument, cli.whole_number(1)
    load_option.add_option(
        add,
        "start from the network and the preparation of this model file, instead of a new network; "
        "class names and image size must match",
    )
    add("--save", type=file_path, metavar="FILE", help="save the training here, for --resume")
    add("--save-every", type=number, metavar="N", help="save every N steps (default: every epoch)")
    add("--keep", type=number, default=1, metavar="K", help="keep the last K: FILE, FILE.1 ...")
    add(
        "--resume", type=file_path, metavar="FILE",
        help="continue the training of this file, with its recipe and options, and save to it "
        "again unless --save names another; --steps or --epochs make the training longer",
    )  # fmt: skip
    add(
        "--export", type=file_path, nargs="+", default=(), metavar="FILE",
        help="write the trained model, by the ending: .safetensors (a model file, for --load), "
        ".onnx, .c or .pt (weights for PyTorch)",
    )  # fmt: skip
    add("--log", type=file_path, metavar="FILE", help="write a line of JSON for each epoch")
    add("--tensorboard", type=file_path, metavar="DIR", help="write curves for TensorBoard")


def arguments(command, argv=None):
    """Return the command line, preceded by the options of the training to resume, if any.

    Raises NpNNError for a file that cannot be resumed from.
    """
    given = command.parse_args(argv)
    if given.resume is None:
        return argv
    if given.load:
        raise NpNNError("--load begins a training and --resume continues one: give one of them")
    options = load_checkpoint(given.resume)["recipe"]
    if not isinstance(options, dict):
        raise NpNNError(f"{given.resume} holds no options: resume from a file written by --save")
    network = [f"--load={given.resume}"] if options.get(LOADED) is True else []
    options = {name: value for name, value in options.items() if name != LOADED}
    if given.steps or given.epochs:
        length = [field.name for field in hyperparameters(Recipe, LENGTH)]
        options = {name: value for name, value in options.items() if name not in length}
    before = [word for option in options.items() for word in _option_words(*option, given.resume)]
    return network + before + (sys.argv[1:] if argv is None else list(argv))


def _option_words(name, value, path):
    """Return an option of the file as command-line words; refuse those not of a training."""
    option, values = f"--{name.replace('_', '-')}", value if isinstance(value, list) else [value]
    safe = all(type(v) in (bool, int, float) or str(v)[:1] not in "-" for v in values)
    if name not in TRAINING or not values or not safe:
        raise NpNNError(f"{path} holds {option}, which is not an option of a training")
    if isinstance(value, bool):
        return [option if value else f"--no-{option[2:]}"]
    return [option, *map(str, values)] if isinstance(value, list) else [f"{option}={value}"]


def callbacks(args):
    """Return the callbacks of the arguments. Raises NpNNError for options that conflict.

    The log comes first, so that a checkpoint is never ahead of it.
    """
    path = args.save or args.resume
    for file in args.export:
        export.check(file)
    if (args.save_every or args.keep > 1) and not path:
        raise NpNNError("--save-every and --keep need a file: give --save FILE")
    wanted = []
    if args.log:
        wanted.append(JSONLogger(args.log))
    if args.tensorboard:
        wanted.append(TensorBoard(args.tensorboard))
    if path:
        given = {name: getattr(args, name) for name in TRAINING}
        options = {name: value for name, value in given.items() if value is not None}
        if args.loaded:
            options[LOADED] = True
        wanted.append(Checkpoint(path, args.save_every, args.keep, recipe=options))
    if (wanted or args.export) and len(args.seed) > 1:
        raise NpNNError(
            "--save, --resume, --export, --log and --tensorboard are for one --seed, not several"
        )
    return wanted


def exports(args, model):
    """Yield a writer for each file of --export: a function that returns [the file's path]."""
    for path in args.export:
        yield partial(_export, path, model, args.quiet)


def _export(path, model, quiet):
    lacking = export.write(model, path)
    if lacking and not quiet:
        print(f"note: {lacking}", file=sys.stderr)
    return [path]
