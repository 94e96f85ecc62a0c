"""Published results as data: how to run each one, and what was reported.

The figure that a run is compared with is that of the recipe equal to its settings, however the
command line put them together.
"""

from np_nn.recipes import convolutional, literature
from np_nn.recipes.logistic import SIGMOID
from np_nn.recipes.original import ORIGINAL
from np_nn.recipes.ours import OURS
from np_nn.recipes.recipe import Recipe

_ALL = (*ORIGINAL, *SIGMOID, *literature.LITERATURE, *convolutional.CONVOLUTIONAL, *OURS)
RECIPES = {recipe.name: recipe for recipe in _ALL}

# Published, but beyond what this library can build or two cores can train: for each table,
# (title, accuracy, source, what is missing).
NOT_RUN = {**literature.NOT_RUN, **convolutional.NOT_RUN}


def matching(settings):
    """The recipe that trains as these settings do, or None."""
    if settings.loaded:
        return None
    return next((recipe for recipe in RECIPES.values() if recipe == settings), None)


__all__ = ["NOT_RUN", "RECIPES", "Recipe", "matching"]
