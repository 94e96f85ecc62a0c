"""Diagnosis of a run that ended near chance: the likely reason, and options that help."""

import math
from dataclasses import dataclass

import numpy as np

from np_nn import recipes
from np_nn.analysis import metrics
from np_nn.data.split import is_stored
from np_nn.recipes.ours import START

NOISE = 3  # standard errors above the largest class's share that still count as chance
LEAST_NOISE = 0.01  # minimum of this margin, as an accuracy, for large test sets
FLAT = 0.02  # maximum relative difference of losses that count as equal
SPIKE = 3  # multiple of the first loss above which training has diverged
FAINT = 0.01  # maximum standard deviation of outputs that hardly depend on the image
FEW_STEPS = 100
RAW = 10  # largest input above which pixels count as not scaled
DEEP = 3  # minimum weight layers at which signals vanish if initial weights are too small


@dataclass(frozen=True)
class Evidence:
    """Evidence for the rules: the settings, the losses, and the outputs for the test images.

    losses: (steps,). outputs: (n, C). highest: largest input value. epoch: steps per epoch.
    """

    settings: recipes.Recipe
    losses: np.ndarray
    outputs: np.ndarray
    highest: float
    epoch: int

    @property
    def raw(self):
        """True if pixels are far from 0..1."""
        return self.highest > RAW

    @property
    def peak(self):
        """The largest loss."""
        return float(self.losses.max())

    @property
    def depth(self):
        """The number of layers of weights in an mlp."""
        return len(self.settings.hidden) + 1


def _diverged(seen):
    if seen.peak <= SPIKE * seen.losses[0]:
        return ""
    step = int(seen.losses.argmax()) + 1
    text = f"the learning rate {seen.settings.lr:g} is too high"
    text += f" for inputs up to {seen.highest:.0f}, pixels without a scale" if seen.raw else ""
    return f"{text}: the loss rose to {seen.peak:.3g} at step {step:,}, and units died"


def _identical_units(seen):
    alike = seen.settings.init == "zeros"
    return "all weights start at 0, so that all units of a layer stay alike" if alike else ""


def _vanished(seen):
    small = seen.settings.init == "original" and seen.depth >= DEEP
    if not small or seen.outputs.std(axis=0).max() > FAINT:
        return ""
    return (
        f"the {seen.settings.init} init is too small for {seen.depth} layers: little of the image, "
        "and of the gradient, comes through"
    )


def _too_few_steps(seen):
    done = len(seen.losses)
    if done >= FEW_STEPS and done >= seen.epoch / 4:
        return ""
    return f"{done:,} step{'s' * (done != 1)} of {seen.settings.batch_size} images are too few"


def _hardly_moved(seen):
    first, last = (part.mean() for part in (seen.losses[:20], seen.losses[-20:]))
    if abs(last - first) > FLAT * first:
        return ""
    return f"the learning rate {seen.settings.lr:g} is too small: the loss hardly moved"


def _saturated(seen):
    if not seen.raw:
        return ""
    return f"inputs up to {seen.highest:.0f}, pixels without a scale, saturate or kill units"


RULES = (_diverged, _identical_units, _vanished, _too_few_steps, _hardly_moved, _saturated)
UNKNOWN = "none of the usual ones; look at the data"


def diagnose(run):
    """Return a line for each network of a Run that ended near chance; [] for none.

    The list is also empty after Ctrl-C, which the report mentions anyway, and if the outputs for
    the test images were not kept.
    """
    if run.interrupted or run.results[0].test.outputs is None:
        return []
    return [_line(run, result) for result in filter(_failed(run), run.results)]


def _failed(run):
    """Return a predicate: Result -> True if it is near chance on the Run's test images."""
    share, tests = _largest_share(run), len(run.dataset.test)
    noise = max(LEAST_NOISE, NOISE * math.sqrt(share * (1 - share) / tests))
    noise = min(noise, (1 - share) / 2)  # share + noise < 1: few images, a dominant class
    chance = math.log(len(run.dataset.classes))

    def failed(result):
        accuracy, loss = result.test.accuracy, result.test.loss
        undecided = abs(loss - chance) < FLAT * chance and accuracy < (1 + share) / 2
        return accuracy < share + noise or (undecided and "entropy" in run.settings.loss)

    return failed


def _largest_share(run):
    labels = _scores(run, run.results[0]).labels
    return np.bincount(labels).max() / len(labels)


def _scores(run, result):
    return metrics.read(result.test.outputs, run.dataset.test.labels)


def _line(run, result):
    """Describe a failed Result: its accuracy, the first rule that applies, and a remedy."""
    images, split = run.dataset.train.images, run.dataset.train
    largest = images.numbers.max(initial=0) if is_stored(images) else images.max()
    highest = split.scale * float(largest) + split.shift
    epoch = math.ceil(len(images) / run.settings.batch_size)
    seen = Evidence(run.settings, result.history.loss, result.test.outputs, highest, epoch)
    reason = next(filter(None, (rule(seen) for rule in RULES)), UNKNOWN)
    which = f"seed {result.seed}: " if len(run.results) > 1 else ""
    return (
        f"{which}test accuracy {result.test.accuracy:.4f} is near chance, as the largest class is "
        f"{_largest_share(run):.4f} of the images{_constant(run, result)}. "
        f"Likely reason: {reason}. Try {remedy(run.settings)}, without other changes"
    )


def _constant(run, result):
    """Name the class that is predicted for nearly all images, if there is one."""
    counts = np.bincount(_scores(run, result).answers)
    if counts.max() < 0.99 * counts.sum():
        return ""
    return f" (it answers {run.dataset.classes[counts.argmax()]} for every image)"


def remedy(settings):
    """Return command-line options: the recipe `start` with the requested network.

    The recipe's scale, initialization and learning rate replace those that failed.
    """
    own = recipes.RECIPES.get(settings.name, START)
    words = [f"--recipe {START.name}"]
    for name in ("model", "hidden", "channels", "activation", "norm"):
        value = getattr(settings, name)
        if value not in (getattr(own, name), getattr(START, name)):
            values = value if isinstance(value, tuple) else (value,)
            words.append(f"--{name} {' '.join(map(str, values))}")
    return " ".join(words)
