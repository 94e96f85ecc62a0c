"""Estimated training time of the published rows, corrected by the pace of the run."""

import math
from itertools import pairwise

import numpy as np

from np_nn.layers import Conv2d, Linear
from np_nn.layers.module import inference
from np_nn.recipes import build
from np_nn.training import inputs

SEEDS = 3
EXPENSIVE = 100  # seconds for one network: such a row is trained from a single seed
IMAGES = 60_000
SHARE = {"mnist": 0.2, "fashion": 0.5}  # fraction of pixels that are not black: black is skipped


def seeds(recipe):
    """Return the default number of seeds of a row."""
    return 1 if estimate(recipe) > EXPENSIVE else SEEDS


def estimate(recipe):
    """Estimate the seconds to train one network with the compiled kernels on two cores."""
    epochs = recipe.epochs or recipe.steps * recipe.batch_size / IMAGES
    steps = recipe.steps or epochs * math.ceil(IMAGES / recipe.batch_size)
    step = _dense_step(recipe) if recipe.model == "mlp" else _convolved_step(recipe)
    return steps * step + (epochs * IMAGES * 8e-6 if recipe.augment else 0)


def _dense_step(recipe):
    """Return the estimated seconds for a step of an mlp."""
    weights = [a * b for a, b in pairwise(recipe.sizes())]
    weights[0] *= 1 if recipe.input_noise else SHARE.get(recipe.dataset, 1)
    return 1e-5 + sum(weights) * (6 * recipe.batch_size / 1.6e11 + 1e-9)


def _convolved_step(recipe):
    """Return the estimated seconds for a step of a CNN; a kernel pools only after ReLU."""
    image = 8e-6 + 1.6e-11 * multiplications(recipe)
    return recipe.batch_size * (image if recipe.activation == "relu" else image + 3.5e-5)


class Clock:
    """Remaining training time: the estimates, scaled by the pace so far.

    jobs: number of networks that are trained side by side.
    """

    def __init__(self, jobs=1):
        self.jobs = jobs
        self.spent = self.expected = 0.0

    def done(self, recipe, seconds):
        """Count a trained network. seconds: None if it failed; then the pace is kept."""
        if seconds is not None:
            self.spent += seconds
            self.expected += estimate(recipe)

    def left(self, due):
        """Return the expected seconds for these (recipe, seed), at least those of the longest."""
        pace = self.spent / self.expected if self.expected else 1.0
        each = [estimate(recipe) for recipe, _ in due]
        return pace * max(sum(each) / self.jobs, max(each))


def duration(seconds):
    """Return a time as short text, in s, min or h."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def multiplications(settings, shape=(28, 28)):
    """Return the number of multiplications of a Recipe's network for one image, forward."""
    model = build.model_for(settings, shape, 10)
    with inference():
        model(np.zeros((1, *inputs.sample_shape(shape, model)), np.float32))
    return sum(
        layer.products if isinstance(layer, Conv2d) else layer.weight.data.size
        for layer in model.modules()
        if isinstance(layer, Conv2d | Linear)
    )
