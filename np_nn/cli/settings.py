"""Recipe of the command-line arguments."""

import dataclasses

from np_nn import data, recipes
from np_nn.recipes import build
from np_nn.recipes.ours import START
from np_nn.recipes.recipe import LENGTH, hyperparameters
from np_nn.utils import spec


def settings(args):
    """Return the arguments' Recipe with their changes. Raises NpNNError for wrong arguments."""
    recipe = recipes.RECIPES[args.recipe] if "recipe" in args else args.settings
    fields = hyperparameters(recipe)
    changes = _given(args, [field.name for field in fields])
    length = {field.name: None for field in hyperparameters(recipe, LENGTH)}
    if length.keys() & changes.keys():
        changes = length | changes
    if changes.get("dataset") == "auto":
        changes["dataset"] = "mnist"
    if changes.get("model", recipe.model) != recipe.model:
        recipe = build.change(recipe, changes["model"])
    settings = dataclasses.replace(recipe, **changes)
    for field in fields:
        if options := _given(args, field.metadata["options"]):
            text = spec.change(getattr(settings, field.name), **options)
            settings = dataclasses.replace(settings, **{field.name: text})
    build.check(settings)
    return settings


def suited(args, data):
    """Return the Recipe with its own validation and batch size reduced to fit a small Dataset.

    A recipe is written for a data set, in whose place another may stand. Values given as options
    are kept: if they do not fit, the training refuses them.
    """
    recipe, count = args.settings, len(data.train)
    if args.validation is None and recipe.validation >= count:
        recipe = dataclasses.replace(recipe, validation=count // 6)  # as 10,000 of MNIST's 60,000
    left = count - recipe.validation
    if args.batch_size is None and recipe.batch_size > left > 0:
        recipe = dataclasses.replace(recipe, batch_size=left)
    return recipe


def choose(args):
    """Set ``args.recipe``, if not given, to `start` for own data and to the default otherwise.

    ``args.recipe_given``: whether it was given.
    """
    args.recipe_given = args.recipe is not None
    if not args.recipe_given:
        args.recipe = START.name if _has_own_data(args) else args.default_recipe


def _has_own_data(args):
    """Return whether --dataset is the path of the user's own data, not a known name."""
    return getattr(args, "dataset", None) not in (None, *data.names())


def option_names(recipe):
    """Return the names of the options that change a Recipe: its fields, and options in these."""
    return [
        name
        for field in hyperparameters(recipe)
        for name in (field.name, *field.metadata["options"])
    ]


def _given(args, names):
    """Return the arguments among `names` that were given: {name: value}."""
    given = vars(args)
    return {name: given[name] for name in names if given.get(name) is not None}
