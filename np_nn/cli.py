"""The command line that main_np.py, main_torch.py and the comparison share."""

import argparse
import dataclasses
import logging
import math
import os
import shlex
import sys
from pathlib import Path

from np_nn import (
    data,
    feed,
    files,
    init,
    losses,
    machine,
    models,
    ops,
    optim,
    preprocess,
    recipes,
    report,
    schedules,
    spec,
)
from np_nn.errors import NpNNError, unknown_name
from np_nn.prepare import augmentation, prepare

# Options that change one hyper-parameter of the recipe, under the recipe's own name for it.
OVERRIDES = (
    "hidden", "channels", "activation", "output", "bias", "init", "norm", "noise", "input_noise",
    "dropout", "input_dropout", "residual", "loss", "class_weights", "optimizer", "lr", "schedule",
    "batch_size", "steps", "epochs", "replacement", "clip_norm", "clip_value", "max_norm",
    "validation", "patience", "dataset", "scale", "shift", "standardize", "deskew", "augment",
)  # fmt: skip
# Options that change one option of another: of the optimizer, and of the loss.
WITHIN = {"momentum": "optimizer", "weight_decay": "optimizer", "label_smoothing": "loss"}
PICTURES = ("png", "svg", "pdf")  # formats that plots.save_figure writes


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, without the usage above it."""

    def error(self, message):
        self.exit(2, f"{self.prog}: error: {message}\n")


def parser(description, *, recipe="np_nn", parents=()):
    """The shared arguments. recipe: the default one. parents: parsers whose arguments join them."""
    result = Parser(description=description, parents=parents)
    add = result.add_argument_group("what to train").add_argument
    add(
        "--recipe",
        type=_one_of("recipe", recipes.RECIPES),
        default=recipe,
        metavar="NAME",
        help=f"what to repeat: {', '.join(recipes.RECIPES)} (default: {recipe})",
    )
    add("--list-recipes", action=_ListRecipes, help="show the recipes and exit")
    _add_changes(result, images=True)
    _add_running(result, images=True)
    return result


def parser_of(description, settings, *, images):
    """The same arguments for a Recipe without a name. images: also those of sets of images."""
    result = Parser(description=description)
    _add_changes(result, images)
    _add_running(result, images)
    result.set_defaults(settings=settings)
    return result


def _add_running(result, images):
    add = result.add_argument_group("running and reporting").add_argument
    if images:
        add(
            "--dataset",
            type=_one_of("data set", data.NAMES),
            metavar="NAME",
            help=f"{', '.join(data.NAMES)} (default: the recipe's own; auto: MNIST, or where it is "
            "missing scikit-learn's digits)",
        )
        add("--data-dir", metavar="DIR", help="folder that holds, or shall hold, MNIST/raw/...")
    add(
        "--seed",
        type=whole_number(0),
        nargs="+",
        default=[0],
        metavar="N",
        help="several train several networks, and the table gives mean ± spread (default: 0)",
    )
    add(
        "--threads",
        type=whole_number(1),
        default=machine.cores(),
        metavar="N",
        help="CPU threads (default: as many as there are cores)",
    )
    add(
        "--out",
        default="learning_curves",
        metavar="DIR",
        help="where pictures are put (default: learning_curves)",
    )
    add("--no-plots", action="store_true", help="draw no pictures")
    add(
        "--format",
        type=_one_of("picture format", PICTURES),
        default="png",
        metavar="NAME",
        help=f"of the pictures: {', '.join(PICTURES)} (default: png)",
    )
    add("--quiet", action="store_true", help="no progress, only the report")
    add("--json", type=Path, metavar="FILE", help="write the results to this file too")


def _add_changes(result, images):
    group = result.add_argument_group("changes to the recipe", "Each replaces one of its values.")
    add = group.add_argument
    _add_network(add)
    _add_learning(add)
    length = group.add_mutually_exclusive_group().add_argument
    length("--steps", type=whole_number(1), metavar="N", help="training iterations")
    length("--epochs", type=whole_number(1), metavar="N", help="passes over the training set")
    if images:
        _add_images(add)


def _add_network(add):
    add(
        "--model",
        type=_one_of("model", models.MODELS),
        metavar="NAME",
        help=f"{', '.join(models.MODELS)}: with its own sizes and dropout, unless they are given",
    )
    add(
        "--hidden", type=whole_number(1), nargs="+", metavar="N", help="widths of the hidden layers"
    )
    add("--channels", type=whole_number(1), nargs="+", metavar="N", help="of the convolutions")
    _named(add, "--activation", "activation", models.ACTIVATIONS)
    _named(add, "--output", "output", models.OUTPUTS, "after the last layer: ")
    add("--bias", action=argparse.BooleanOptionalAction, help="biases in the layers")
    _named(add, "--norm", "normalisation", models.NORMS, "before each activation: ")
    add("--noise", type=_number, metavar="X", help="deviation of noise before each activation")
    add("--input-noise", type=_number, metavar="X", help="deviation of noise on the inputs")
    add("--dropout", type=_share, metavar="X", help="share of hidden units, 0 to 1")
    add("--input-dropout", type=_share, metavar="X", help="share of inputs, 0 to 1")
    add("--residual", action=argparse.BooleanOptionalAction, help="x + layer(x) where sizes allow")
    _named(add, "--init", "initialiser", init.INITIALISERS, "where the weights start: ")


def _add_learning(add):
    _named(add, "--loss", "loss", losses.LOSSES)
    add("--label-smoothing", type=_share, metavar="X", help="0 to 1")
    add(
        "--class-weights",
        type=_number_or("balanced"),
        nargs="+",
        metavar="X",
        help="how much each class counts: a number for each, or balanced",
    )
    _named(add, "--optimizer", "optimizer", optim.OPTIMIZERS)
    add("--lr", type=_positive, metavar="X", help="learning rate")
    add("--momentum", type=_number, metavar="X", help="momentum of the optimizer")
    add("--weight-decay", type=_number, metavar="X", help="weight decay of the optimizer")
    _named(add, "--schedule", "schedule", schedules.SCHEDULES, "of the learning rate: ")
    add("--batch-size", type=whole_number(1), metavar="N", help="images per step")
    add(
        "--replacement",
        action=argparse.BooleanOptionalAction,
        help="draw each batch from the whole set (else shuffle it once an epoch)",
    )
    add("--clip-norm", type=_positive, metavar="X", help="most that the gradients' norm may be")
    add("--clip-value", type=_positive, metavar="X", help="most that a gradient may be")
    add("--max-norm", type=_positive, metavar="X", help="most that a unit's weights' norm may be")
    add("--validation", type=whole_number(0), metavar="N", help="training images to hold out")
    add(
        "--patience",
        type=whole_number(1),
        metavar="N",
        help="stop after so many epochs without a better accuracy on the held-out images",
    )


def _add_images(add):
    add("--scale", type=_positive, metavar="X", help="what pixels of 0..255 are multiplied by")
    add("--shift", type=float, metavar="X", help="what is added to them then")
    add(
        "--standardize",
        action=argparse.BooleanOptionalAction,
        help="scale and shift pixels to mean 0 and variance 1",
    )
    add("--deskew", action=argparse.BooleanOptionalAction, help="straighten the images")
    add(
        "--augment",
        type=_augmentation,
        metavar="NAME[+NAME]",
        help=f"distort them anew each epoch: {', '.join(preprocess.AUGMENTATIONS)}",
    )


def _named(add, option, kind, table, about=""):
    """An option that takes a name of a table, with options as in sgd:momentum=0.9."""

    def convert(word):
        try:
            spec.parse(word, table, kind)
        except NpNNError as error:
            raise argparse.ArgumentTypeError(str(error)) from None
        return word

    add(option, type=convert, metavar="NAME", help=f"{about}{', '.join(table)}")


def add_numpy_options(command):
    """The arguments that only NumPy networks take."""
    command.add_argument(
        "--input",
        type=_one_of("input", feed.CHOICES),
        default="auto",
        metavar="NAME",
        help="auto (the default: by the share of black pixels), dense, sparse",
    )
    command.add_argument(
        "--kernels",
        type=_one_of("kernels setting", ops.CHOICES),
        default=os.environ.get("NP_NN_KERNELS", "auto"),
        metavar="NAME",
        help="auto (the default: compiled if built), numpy, compiled",
    )


def add_report(command):
    """The argument of programs that end with one run's report."""
    command.add_argument(
        "--report",
        type=Path,
        metavar="FILE",
        help="write it with curves, confusion matrix and mistakes as one HTML file",
    )


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
    args.settings = _settings(args)
    if not args.no_plots:
        files.check_writable(args.out)
    for file in (args.json, vars(args).get("report")):
        if file:
            files.check_file(file)
    return args


def _settings(args):
    given = vars(args)
    changes = {name: given[name] for name in OVERRIDES if given.get(name) is not None}
    if "steps" in changes or "epochs" in changes:
        changes = {"steps": None, "epochs": None} | changes
    if changes.get("dataset") == "auto":
        changes["dataset"] = "mnist"
    for name in changes.keys() & {"hidden", "channels"}:
        changes[name] = tuple(changes[name])
    if "class_weights" in changes:
        weights = changes["class_weights"]
        changes["class_weights"] = "balanced" if "balanced" in weights else tuple(weights)
    recipe = recipes.RECIPES[args.recipe] if "recipe" in args else args.settings
    if args.model not in (None, recipe.model):
        recipe = models.change(recipe, args.model)
    settings = dataclasses.replace(recipe, **changes)
    for name, whole in WITHIN.items():
        if getattr(args, name) is not None:
            text = spec.change(getattr(settings, whole), **{name: getattr(args, name)})
            settings = dataclasses.replace(settings, **{whole: text})
    _check(settings)
    return settings


def _check(settings):
    """Build what needs no data, so that a mistake is found before anything is loaded."""
    models.check(settings)
    schedules.build(settings)
    augmentation(settings)
    spec.parse(settings.loss, losses.LOSSES, "loss")
    spec.parse(settings.optimizer, optim.OPTIMIZERS, "optimizer")
    if settings.patience and not settings.validation:
        raise NpNNError("--patience needs images to watch: give --validation N, too")


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


class _ListRecipes(argparse.Action):
    """Print the table of recipes and exit, as --help does."""

    def __init__(self, **options):
        super().__init__(nargs=0, **options)

    def __call__(self, parser, namespace, values, option_string=None):
        rows = [
            (
                recipe.name,
                recipe.title,
                recipe.network(),
                recipe.describe(),
                recipe.published,
            )
            for recipe in recipes.RECIPES.values()
        ]
        print(report.markdown_table(("recipe", "row", "net", "settings", "published"), rows))
        parser.exit()


def _one_of(kind, known):
    """An argument type: one of these names, else an error that gives the nearest."""

    def convert(word):
        if word not in known:
            raise argparse.ArgumentTypeError(str(unknown_name(kind, word, known)))
        return word

    return convert


def whole_number(least):
    """An argument type: a whole number not below the least."""

    def convert(word):
        try:
            number = int(word)
        except ValueError:
            number = None
        if number is None or number < least:
            raise argparse.ArgumentTypeError(f"a whole number >= {least} is needed, not {word!r}")
        return number

    return convert


def _number(word):
    """An argument type: a finite number not below 0."""
    try:
        number = float(word)
    except ValueError:
        number = math.nan
    if not 0 <= number < math.inf:
        raise argparse.ArgumentTypeError(f"a number >= 0 is needed, not {word!r}")
    return number


def _share(word):
    """An argument type: a number from 0 to 1."""
    number = _number(word)
    if number > 1:
        raise argparse.ArgumentTypeError(f"a number from 0 to 1 is needed, not {word!r}")
    return number


def _positive(word):
    """An argument type: a finite number above 0."""
    number = _number(word)
    if not number:
        raise argparse.ArgumentTypeError(f"a number > 0 is needed, not {word!r}")
    return number


def _number_or(word):
    """An argument type: a number not below 0, or this word."""
    return lambda given: given if given == word else _number(given)


def _augmentation(text):
    """An argument type: distortions, joined by +."""
    for part in text.split("+"):
        try:
            spec.parse(part, preprocess.AUGMENTATIONS, "augmentation")
        except NpNNError as error:
            raise argparse.ArgumentTypeError(str(error)) from None
    return text
