"""Published results as data: the recipe of each one, and the figures reported for it.

A run is compared with the recipe that equals its settings, however the command line gave them.
"""

from np_nn.recipes import convolutional, literature
from np_nn.recipes.logistic import SIGMOID
from np_nn.recipes.original import ORIGINAL
from np_nn.recipes.ours import OURS
from np_nn.recipes.recipe import Recipe

_ALL = (*ORIGINAL, *SIGMOID, *literature.LITERATURE, *convolutional.CONVOLUTIONAL, *OURS)
RECIPES = {recipe.name: recipe for recipe in _ALL}

# Published results that would take two cores days: {table: rows of (title, accuracy, source,
# why)}.
NOT_RUN = convolutional.NOT_RUN

# Published results that an example reproduces, because no recipe can: {table: rows of (title,
# accuracy, source, our accuracy of one network, note that names the command)}.
ELSEWHERE = literature.ELSEWHERE


def matching(settings):
    """Return the recipe equal to `settings`, a Recipe, or None."""
    if settings.loaded:
        return None
    return next((recipe for recipe in RECIPES.values() if recipe == settings), None)


__all__ = ["ELSEWHERE", "NOT_RUN", "RECIPES", "Recipe", "matching"]
