"""From the arguments to the Recipe that they ask for."""

import dataclasses

from np_nn import data, recipes
from np_nn.recipes import build
from np_nn.recipes.ours import START
from np_nn.recipes.recipe import LENGTH, hyperparameters
from np_nn.utils import spec


def settings(args):
    """The Recipe that the arguments name, with their changes. Raises NpNNError for wrong ones."""
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


def choose(args):
    """Note in ``args.recipe`` the recipe to train: `start` for own data where none is named."""
    args.recipe_given = args.recipe is not None
    if not args.recipe_given:
        args.recipe = START.name if _has_own_data(args) else args.default_recipe


def _has_own_data(args):
    """Return whether --dataset is the path of the user's own data, and no known name."""
    return getattr(args, "dataset", None) not in (None, *data.names())


def option_names(recipe):
    """Return the names of the options that change a Recipe: of its fields, and within these."""
    return [
        name
        for field in hyperparameters(recipe)
        for name in (field.name, *field.metadata["options"])
    ]


def _given(args, names):
    """Return those of the arguments that were given: {name: value}."""
    given = vars(args)
    return {name: given[name] for name in names if given.get(name) is not None}
