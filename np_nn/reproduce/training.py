"""Training of the networks that are due, one after another or side by side."""

import sys
from argparse import Namespace
from contextlib import closing

from np_nn import data
from np_nn.reproduce import side_by_side
from np_nn.reproduce.estimate import Clock, duration
from np_nn.reproduce.trainer import Trainer
from np_nn.utils import machine


def train(due, args):
    """Yield (recipe, result) of each network as it is finished; report progress on stderr.

    due: (recipe, seed) of each network. args: arguments of the program. Raises NpNNError for a
    data set that cannot be read, and KeyboardInterrupt.
    """
    names = dict.fromkeys(recipe.dataset for recipe, _ in due)
    where = {"data_dir": args.data_dir, "download": args.download, "quiet": args.quiet}
    raw = {name: data.load(name, **where) for name in names}
    jobs = min(args.jobs, machine.cores(), len(due))
    clock, unfinished = Clock(jobs), list(due)

    def say(recipe, seed, text):
        if not args.quiet:
            print(f"{recipe.name}, seed {seed}: {text}", file=sys.stderr)

    def begin(recipe, seed):
        count = f"{due.index((recipe, seed)) + 1} of {len(due)}"
        say(recipe, seed, f"{count}, about {duration(clock.left(unfinished))} left")

    if jobs > 1:
        share = {"threads": max(1, args.threads // jobs), "quiet": True}
        trained = side_by_side.train(due, jobs, raw, Namespace(**vars(args) | share), begin)
    else:
        trained = _one_by_one(due, Trainer(raw, args), begin)
    with closing(trained):
        for recipe, seed, result in trained:
            clock.done(recipe, result.get("seconds"))
            unfinished.remove((recipe, seed))
            yield recipe, result
            say(recipe, seed, outcome(result))


def _one_by_one(due, trainer, begin):
    for recipe, seed in due:
        begin(recipe, seed)
        yield recipe, seed, trainer(recipe, seed)


def outcome(result):
    """Describe the result of a network in one line."""
    if "error" in result:
        return f"failed: {result['error']}"
    return f"{result['accuracy']:.4f} in {result['seconds']:.3g} s"
