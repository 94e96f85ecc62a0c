"""Options shared by the programs: what to train, on which data, how to run and report it."""

import argparse

from np_nn import data, ops, recipes
from np_nn.cli.command_parser import Parser
from np_nn.recipes.ours import START
from np_nn.recipes.recipe import IMAGES, LENGTH, WHAT, hyperparameters
from np_nn.training import inputs
from np_nn.utils import machine
from np_nn.utils.converters import file_path, image_size, name_or_path, one_of, switch, whole_number
from np_nn.utils.markdown import markdown_table

PICTURES = ("png", "svg", "pdf")  # formats that plots.save_figure writes


def parser(description, *, recipe="np_nn", parents=(), reporting=True):
    """Return a Parser of the shared arguments.

    Args:
        description: text of --help.
        recipe: name of the default recipe.
        parents: parsers whose arguments are added.
        reporting: add the arguments of programs that print results, where pictures are optional.
    """
    result = Parser(description=description, parents=parents)
    what = result.add_argument_group(WHAT, "A recipe; options of the next groups override it.")
    what.add_argument(
        "--recipe", type=one_of("recipe", recipes.RECIPES), metavar="NAME",
        help=f"recipe to train: {', '.join(recipes.RECIPES)} "
        f"(default: {recipe}; {START.name} with data of your own)",
    )  # fmt: skip
    result.set_defaults(default_recipe=recipe)
    what.add_argument("--list-recipes", action=_ListRecipes, help="show the recipes and exit")
    _add_changes(result, what, recipes.RECIPES[recipe], images=True)
    add = _add_running(result, images=True)
    if reporting:
        add_report_options(add)
    return result


def parser_of(description, settings, *, images):
    """Return a Parser of the same arguments, without reporting, for a Recipe without a name.

    images: add the arguments of image sets.
    """
    result = Parser(description=description)
    _add_changes(result, result.add_argument_group(WHAT), settings, images)
    _add_running(result, images)
    result.set_defaults(settings=settings)
    return result


def _add_running(result, images):
    add = result.add_argument_group("running and reporting").add_argument
    if images:
        add_data_options(add)
    add(
        "--seed", type=whole_number(0), nargs="+", default=[0], metavar="N",
        help="one network is trained per seed; for several the table gives mean ± spread "
        "(default: 0)",
    )  # fmt: skip
    add_threads_option(add)
    add_picture_options(add, "learning_curves")
    add("--quiet", action="store_true", help="no progress, only the report")
    return add


def add_picture_options(add, folder):
    """Add --out and --format. add: a parser's, or a group's, add_argument. folder: the default."""
    about = f"folder of the pictures (default: {folder})"
    add("--out", type=file_path, default=folder, metavar="DIR", help=about)
    add(
        "--format", type=one_of("picture format", PICTURES), default="png", metavar="NAME",
        help=f"format of the pictures: {', '.join(PICTURES)} (default: png)",
    )  # fmt: skip


def add_report_options(add):
    """Add --no-plots and --json. add: a parser's, or a group's, add_argument."""
    add("--no-plots", action="store_true", help="draw no pictures")
    add_json_option(add)


def add_json_option(add):
    """Add --json. add: a parser's, or a group's, add_argument."""
    about = "also write the results as JSON; -: print them as JSON and nothing else"
    add("--json", type=file_path, metavar="FILE", help=about)


def add_data_options(add, own=True):
    """Add the options for where data sets are found and how files are read.

    add: a parser's, or a group's, add_argument. own: add the options for the user's own data.
    """
    about = "read data sets from DIR/MNIST/raw/... and nowhere else"
    add("--data-dir", type=file_path, metavar="DIR", help=about)
    add(
        "--download",
        action="store_true",
        default=None,
        help="fetch missing files into --data-dir, or without it into the cache",
    )
    if own:
        _add_own_data_options(add)


def add_dataset(add, name, help):
    """Add the argument `name` for a data set. add: a parser's, or a group's, add_argument."""
    convert = name_or_path("data set", data.names)
    add(name, type=convert, metavar=convert.metavar, help=help)


def _add_own_data_options(add):
    add(
        "--label", type=str, metavar="NAME",
        help="column of a table that holds the labels (default: label, class, target or y, else "
        "the first)",
    )  # fmt: skip
    add(
        "--image-size", type=image_size, metavar="HxW",
        help="resize image files to this height and width, 28x28 or 28",
    )  # fmt: skip
    add(
        "--skip-unreadable", action="store_true", default=None,
        help="leave out image files and rows that cannot be read, and count them",
    )  # fmt: skip


def add_model_file(add):
    """Add the model file that a command reads. add: a parser's add_argument."""
    add(
        "model_file", type=file_path, metavar="MODEL",
        help="model file, written by --save, --export FILE.safetensors or nn.save_model",
    )  # fmt: skip


def add_threads_option(add):
    """Add --threads. add: a parser's, or a group's, add_argument."""
    add(
        "--threads", type=_thread_count, default=machine.threads(), metavar="N",
        help="CPU threads, 1 to the number of cores; a larger N is reduced to that number "
        "(default: OMP_NUM_THREADS, also reduced, else the number of cores)",
    )  # fmt: skip


def _thread_count(word):
    """Convert a thread count; more threads than cores would only wait for each other."""
    return min(whole_number(1)(word), machine.cores())


def _add_changes(result, what, recipe, images):
    """Add an option for each hyper-parameter of a Recipe to the group that it names.

    what: the argparse group of WHAT. images: add the options of IMAGES.
    """
    for title in dict.fromkeys(field.metadata["group"] for field in hyperparameters(recipe)):
        if title == IMAGES and not images:
            continue
        group = what if title == WHAT else result.add_argument_group(title)
        group = group.add_mutually_exclusive_group() if title == LENGTH else group
        for field in hyperparameters(recipe, title):
            _add_field(group.add_argument, field)


def _add_field(add, field):
    """Add the option of a hyper-parameter, and the options nested in its text value."""
    about, convert = field.metadata, field.metadata["type"]
    words = ", ".join(convert.names())
    how = {"help": f"{about['help']}: {words}" if words else about["help"]}
    if convert is switch:
        how["action"] = argparse.BooleanOptionalAction
    else:
        how |= {"type": convert, "metavar": convert.metavar}
    if about["several"]:
        how["nargs"] = "+" if about["several"] is True else about["several"]
    add(_option(field.name), **how)
    for name, convert in about["options"].items():
        text = f"{name.replace('_', ' ')} of the {field.name}"
        add(_option(name), type=convert, metavar=convert.metavar, help=text)


def _option(name):
    return f"--{name.replace('_', '-')}"


def add_numpy_options(command):
    """Add the arguments that only NumPy networks take."""
    command.add_argument(
        "--input", type=one_of("input", inputs.CHOICES), default="auto", metavar="NAME",
        help="form of the inputs: auto (default, by the fraction of black pixels), dense, sparse",
    )  # fmt: skip
    add_kernels_option(command.add_argument)


def add_kernels_option(add):
    """Add --kernels. add: a parser's, or a group's, add_argument."""
    add(
        "--kernels",
        type=one_of("kernels setting", ops.CHOICES),
        default=ops.default(),
        metavar="NAME",
        help="implementation: auto (default, compiled if built), numpy, compiled",
    )


def add_report(command):
    """Add --report, for programs that end with the report of one run."""
    command.add_argument(
        "--report", type=file_path, metavar="FILE",
        help="write the report with curves, confusion matrix and mistakes as one HTML file",
    )  # fmt: skip


class _ListRecipes(argparse.Action):
    """Action that prints the table of recipes and exits, as --help does."""

    def __init__(self, **options):
        super().__init__(nargs=0, **options)

    def __call__(self, parser, namespace, values, option_string=None):
        rows = [
            (
                recipe.name,
                recipe.title,
                recipe.network(),
                recipe.describe(),
                recipe.published or "-",
            )
            for recipe in recipes.RECIPES.values()
        ]
        print(markdown_table(("recipe", "row", "net", "settings", "published"), rows))
        parser.exit()
