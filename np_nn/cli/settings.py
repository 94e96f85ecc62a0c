"""From the arguments to the Recipe that they ask for."""

import dataclasses

from np_nn import losses, optim, recipes
from np_nn.recipes import build
from np_nn.recipes.prepare import augmentation
from np_nn.utils import spec
from np_nn.utils.errors import NpNNError

# Options that change one hyper-parameter of the recipe, under the recipe's own name for it.
OVERRIDES = (
    "hidden", "channels", "activation", "output", "bias", "init", "norm", "noise", "input_noise",
    "dropout", "input_dropout", "residual", "loss", "class_weights", "optimizer", "lr", "schedule",
    "batch_size", "steps", "epochs", "replacement", "clip_norm", "clip_value", "max_norm",
    "validation", "patience", "dataset", "scale", "shift", "standardize", "deskew", "augment",
)  # fmt: skip
# Options that change one option of another: of the optimizer, and of the loss.
WITHIN = {"momentum": "optimizer", "weight_decay": "optimizer", "label_smoothing": "loss"}


def settings(args):
    """The Recipe that the arguments name, with their changes. Raises NpNNError for wrong ones."""
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
        recipe = build.change(recipe, args.model)
    settings = dataclasses.replace(recipe, **changes)
    for name, whole in WITHIN.items():
        if getattr(args, name) is not None:
            text = spec.change(getattr(settings, whole), **{name: getattr(args, name)})
            settings = dataclasses.replace(settings, **{whole: text})
    _check(settings)
    return settings


def _check(settings):
    """Build what needs no data, so that a mistake is found before anything is loaded."""
    build.check(settings)
    build.schedule(settings)
    augmentation(settings)
    spec.parse(settings.loss, losses.LOSSES, "loss")
    spec.parse(settings.optimizer, optim.OPTIMIZERS, "optimizer")
    if settings.patience and not settings.validation:
        raise NpNNError("--patience needs images to watch: give --validation N, too")
