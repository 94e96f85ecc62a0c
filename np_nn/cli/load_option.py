"""Option --load: the network of a model file in place of a new one."""

import copy
import dataclasses

from np_nn import data, recipes
from np_nn.data.matching import match
from np_nn.recipes import build
from np_nn.recipes.recipe import LENGTH, TRAINING, Recipe, hyperparameters, is_of_network
from np_nn.saving.model_file import load_model
from np_nn.utils.converters import file_path
from np_nn.utils.errors import NpNNError

OF_RECIPE = ("loss", "targets")  # define the outputs' meaning: taken with the network


def add_option(add, help):
    """Add --load. add: a parser's, or a group's, add_argument."""
    add("--load", type=file_path, metavar="FILE", help=help)


def adopt(args):
    """Load the network of --load as ``args.loaded``, and fill unset arguments from its file.

    These are the preparation of images, the loss, and a known data set. Without --load,
    ``args.loaded`` is None. Raises the errors of `load_model`, and NpNNError if options of the
    network are given with --load.
    """
    args.loaded = None
    if getattr(args, "load", None) is None:
        return
    for name, value in vars(args).items():
        if value is not None and is_of_network(name):
            raise NpNNError(
                f"--{name.replace('_', '-')} cannot be combined with --load: the network is that "
                f"of {args.load}"
            )
    args.loaded = load_model(args.load)
    for name, value in _file_settings(args, args.loaded.info).items():
        if getattr(args, name) is None:
            setattr(args, name, value)


def _file_settings(args, info):
    """Return the training settings that a model file holds: {argument: value}."""
    rule = info.preparation
    known = bool(rule.shape)  # empty: the file was saved without a preparation
    found = {"deskew": rule.deskew} if known else {}
    if known and args.standardize is None:
        found |= {"standardize": False, "scale": rule.scale, "shift": rule.shift}
    names = getattr(args, "adopted", OF_RECIPE if args.recipe_given else _of_training(args))
    found |= {name: info.recipe[name] for name in names if info.recipe.get(name) not in (None, ())}
    usual = recipes.RECIPES[args.recipe].dataset == recipes.Recipe.dataset
    if usual and info.dataset in data.names():
        found["dataset"] = info.dataset
    return found


def _of_training(args):
    """Return the hyper-parameters that a training without --recipe takes over from the file."""
    length = [field.name for field in hyperparameters(Recipe, LENGTH)]
    given = any(getattr(args, name) is not None for name in length)
    return [
        field.name
        for field in hyperparameters(Recipe)
        if field.metadata["group"] in (TRAINING, *([] if given else [LENGTH]))
        and not is_of_network(field.name)
    ]


def settings(args, own):
    """Return the Recipe ``own``; with --load, marked with the name of the file."""
    return dataclasses.replace(own, loaded=args.load.name) if args.loaded else own


def fitted(args, found):
    """Return a Dataset matched to the network of --load, see `match`; unchanged without --load."""
    if args.loaded is None:
        return found
    info = args.loaded.info
    try:
        return match(found, info.classes, info.preparation)
    except NpNNError as error:
        raise NpNNError(f"--load {args.load}: {error}") from None


def model(args, prepared, seed):
    """Return the network to train: a copy of the one of --load, or a new one from the seed.

    prepared: a Dataset, prepared for the settings.
    """
    if args.loaded is None:
        return build.model(args.settings, prepared, seed)
    made = copy.deepcopy(args.loaded)
    made.info = build.info(args.settings, prepared)
    return made
