"""What the commands share: their arguments, and a network that is trained as they say."""

import argparse
import sys

from np_nn import cli
from np_nn.cli import load_option
from np_nn.recipes import build, run
from np_nn.training.fit import evaluate


def parser(about, recipe="np_nn"):
    """The arguments of np-nn train but for its report; pictures go into the gallery."""
    return _gallery(cli.parser(about, recipe=recipe, reporting=False))


def parser_of(about, settings, images=True):
    """The same for a Recipe of the command's own; see ``cli.parser_of``."""
    return _gallery(cli.parser_of(about, settings, images=images))


def _gallery(command):
    cli.add_numpy_options(command)
    command.set_defaults(out="gallery")
    return command


def add_load(command):
    """Add --load to the arguments of a command that needs no training."""
    load_option.add_option(
        command.add_argument, "take the network of this model file, without training it"
    )
    command.set_defaults(adopted=(*load_option.OF_RECIPE, "lr"))  # the rate that it learnt with


def note(text):
    """Say on stderr what is left out of the pictures, and why."""
    print(f"note: {text}", file=sys.stderr)


def change(args, **changes):
    """The arguments as they would be with these changes."""
    return argparse.Namespace(**vars(args) | changes)


def prepare(args, data=None):
    """What np-nn train trains, from the first seed, not yet trained: (model, loss, data).

    data: a Dataset as the settings want it, if not the one that the arguments name.
    """
    data = data or cli.load(args)
    model = load_option.model(args, data, args.seed[0])
    return model, build.loss(args.settings, data), data


def train(args, callbacks=(), prepared=None):
    """Train as np-nn train does, from the first seed: (model, loss, data, Result).

    prepared: what ``prepare`` returned, if that was needed before. Raises KeyboardInterrupt after
    Ctrl-C: half a training makes no picture.
    """
    model, loss, data = prepared or prepare(args)
    result = run.train(
        args.settings, data, args.seed[0], args.input, args.quiet, model=model, callbacks=callbacks
    )
    if result.history.interrupted:
        raise KeyboardInterrupt
    return model, loss, data, result


def trained(args):
    """Return (model, data, Evaluation of the test images): trained, or as --load has it."""
    if args.loaded is None:
        model, _, data, result = train(args)
        return model, data, result.test
    model, loss, data = prepare(args)
    return model, data, evaluate(model, data.test, loss, input=args.input, keep=True)


def about(args, data):
    """Return one line that says what was trained on what, or which file's network is tried."""
    if args.loaded is None:
        return run.about(args.settings, data)
    return f"{args.settings.network()} on {data.title}"
