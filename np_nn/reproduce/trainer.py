"""Training of one network of a row, and its result as plain data."""

from dataclasses import replace

from np_nn import ops
from np_nn.recipes import run
from np_nn.recipes.prepare import prepare
from np_nn.utils import machine


class Trainer:
    """Function (recipe, seed) -> result of a network. The images of the last row are kept.

    raw: {name: Dataset}, as read. args: arguments of the program.
    """

    def __init__(self, raw, args):
        self.raw, self.args = raw, args
        self._recipe = self._prepared = None

    def __call__(self, recipe, seed):
        """Train a network; return its result, or the error of one that fails.

        Raises KeyboardInterrupt if it was interrupted.
        """
        try:
            return train(recipe, self._data(recipe), seed, self.args)
        except Exception as error:  # any error: the other rows still run
            text = " ".join(str(error).split())
            return {"seed": seed, "error": f"{type(error).__name__}: {text}"}

    def _data(self, recipe):
        if recipe != self._recipe:
            self._prepared = prepare(recipe, self.raw[recipe.dataset])
            self._recipe = recipe
        return self._prepared


def train(recipe, prepared, seed, args):
    """Train one network and return its result. Raises KeyboardInterrupt if it was interrupted."""
    if recipe.best_on_test:  # test after each epoch
        prepared = replace(prepared, validation=prepared.test)
    found = run.train(recipe, prepared, seed, args.input, args.quiet)
    if found.history.interrupted:
        raise KeyboardInterrupt
    test = _best_on_test(found) if recipe.best_on_test else found.test
    return {
        "seed": seed,
        "accuracy": test.accuracy,
        "loss": test.loss,
        "seconds": prepared.prepare_seconds + found.compress_seconds + found.history.train_seconds,
        "steps": found.history.done,
        "threads": args.threads,
        "kernels": ops.describe(),
        "machine": machine.describe(),
        "versions": machine.versions("np_nn", "numpy"),
    }


def _best_on_test(found):
    """Return the Evaluation of the epoch that was best on the test set."""
    tried = [test for _, test in found.history.validation]
    return max([*tried, found.test], key=lambda test: test.accuracy)
