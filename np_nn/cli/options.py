"""The options that the programs share: what to train, on what, how to run and report it."""

import argparse
import os
from pathlib import Path

from np_nn import data, losses, models, ops, optim, recipes
from np_nn.data.augmentation import AUGMENTATIONS
from np_nn.layers import initializers
from np_nn.optim import schedules
from np_nn.training import inputs
from np_nn.utils import machine
from np_nn.utils.converters import (
    joined,
    named,
    number,
    number_or,
    one_of,
    positive,
    share,
    whole_number,
)
from np_nn.utils.markdown import markdown_table

PICTURES = ("png", "svg", "pdf")  # formats that plots.save_figure writes


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, without the usage above it."""

    def error(self, message):
        self.exit(2, f"{self.prog}: error: {message}\n")


def parser(description, *, recipe="np_nn", parents=(), reporting=True):
    """The shared arguments. recipe: the default one. parents: parsers whose arguments join them.

    reporting: also those of programs that print results, where pictures are an addition.
    """
    result = Parser(description=description, parents=parents)
    add = result.add_argument_group("what to train").add_argument
    add(
        "--recipe",
        type=one_of("recipe", recipes.RECIPES),
        default=recipe,
        metavar="NAME",
        help=f"what to repeat: {', '.join(recipes.RECIPES)} (default: {recipe})",
    )
    add("--list-recipes", action=_ListRecipes, help="show the recipes and exit")
    _add_changes(result, images=True)
    add = _add_running(result, images=True)
    if reporting:
        add("--no-plots", action="store_true", help="draw no pictures")
        add("--json", type=Path, metavar="FILE", help="write the results to this file too")
    return result


def parser_of(description, settings, *, images):
    """The same but for reporting, of a Recipe without a name. images: also those of image sets."""
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
            type=one_of("data set", data.names()),
            metavar="NAME",
            help=f"{', '.join(data.names())} (default: the recipe's own; auto: MNIST, or where it "
            "is missing scikit-learn's digits)",
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
    add(
        "--format",
        type=one_of("picture format", PICTURES),
        default="png",
        metavar="NAME",
        help=f"of the pictures: {', '.join(PICTURES)} (default: png)",
    )
    add("--quiet", action="store_true", help="no progress, only the report")
    return add


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
        type=one_of("model", models.MODELS),
        metavar="NAME",
        help=f"{', '.join(models.MODELS)}: with its own sizes and dropout, unless they are given",
    )
    add(
        "--hidden",
        type=whole_number(1),
        nargs="+",
        metavar="N",
        help="widths of the hidden layers",
    )
    add("--channels", type=whole_number(1), nargs="+", metavar="N", help="of the convolutions")
    _named(add, "--activation", "activation", models.ACTIVATIONS)
    _named(add, "--output", "output", models.OUTPUTS, "after the last layer: ")
    add("--bias", action=argparse.BooleanOptionalAction, help="biases in the layers")
    _named(add, "--norm", "normalisation", models.NORMS, "before each activation: ")
    add("--noise", type=number, metavar="X", help="deviation of noise before each activation")
    add("--input-noise", type=number, metavar="X", help="deviation of noise on the inputs")
    add("--dropout", type=share, metavar="X", help="share of hidden units, 0 to 1")
    add("--input-dropout", type=share, metavar="X", help="share of inputs, 0 to 1")
    add("--residual", action=argparse.BooleanOptionalAction, help="x + layer(x) where sizes allow")
    _named(add, "--init", "initialiser", initializers.INITIALISERS, "where the weights start: ")


def _add_learning(add):
    _named(add, "--loss", "loss", losses.LOSSES)
    add("--label-smoothing", type=share, metavar="X", help="0 to 1")
    add(
        "--class-weights",
        type=number_or("balanced"),
        nargs="+",
        metavar="X",
        help="how much each class counts: a number for each, or balanced",
    )
    _named(add, "--optimizer", "optimizer", optim.OPTIMIZERS)
    add("--lr", type=positive, metavar="X", help="learning rate")
    add("--momentum", type=number, metavar="X", help="momentum of the optimizer")
    add("--weight-decay", type=number, metavar="X", help="weight decay of the optimizer")
    _named(add, "--schedule", "schedule", schedules.SCHEDULES, "of the learning rate: ")
    add("--batch-size", type=whole_number(1), metavar="N", help="images per step")
    add(
        "--replacement",
        action=argparse.BooleanOptionalAction,
        help="draw each batch from the whole set (else shuffle it once an epoch)",
    )
    add("--clip-norm", type=positive, metavar="X", help="most that the gradients' norm may be")
    add("--clip-value", type=positive, metavar="X", help="most that a gradient may be")
    add(
        "--max-norm",
        type=positive,
        metavar="X",
        help="most that a unit's weights' norm may be",
    )
    add("--validation", type=whole_number(0), metavar="N", help="training images to hold out")
    add(
        "--patience",
        type=whole_number(1),
        metavar="N",
        help="stop after so many epochs without a better accuracy on the held-out images",
    )


def _add_images(add):
    add("--scale", type=positive, metavar="X", help="what pixels of 0..255 are multiplied by")
    add("--shift", type=float, metavar="X", help="what is added to them then")
    add(
        "--standardize",
        action=argparse.BooleanOptionalAction,
        help="scale and shift pixels to mean 0 and variance 1",
    )
    add("--deskew", action=argparse.BooleanOptionalAction, help="straighten the images")
    add(
        "--augment",
        type=joined("augmentation", AUGMENTATIONS),
        metavar="NAME[+NAME]",
        help=f"distort them anew each epoch: {', '.join(AUGMENTATIONS)}",
    )


def _named(add, option, kind, table, about=""):
    add(option, type=named(kind, table), metavar="NAME", help=f"{about}{', '.join(table)}")


def add_numpy_options(command):
    """The arguments that only NumPy networks take."""
    command.add_argument(
        "--input",
        type=one_of("input", inputs.CHOICES),
        default="auto",
        metavar="NAME",
        help="auto (the default: by the share of black pixels), dense, sparse",
    )
    command.add_argument(
        "--kernels",
        type=one_of("kernels setting", ops.CHOICES),
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
        print(markdown_table(("recipe", "row", "net", "settings", "published"), rows))
        parser.exit()
