"""Shared parts of the commands: their arguments, and a network trained by them."""

import argparse
import sys

from np_nn import cli
from np_nn.cli import load_option
from np_nn.recipes import build, run
from np_nn.training.fit import evaluate


def parser(about, recipe="np_nn"):
    """Return a Parser of the arguments of np-nn train without reports; --out is the gallery."""
    return _gallery(cli.parser(about, recipe=recipe, reporting=False))


def parser_of(about, settings, images=True):
    """Return the same Parser for a Recipe of the command's own; see ``cli.parser_of``."""
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
    command.set_defaults(adopted=(*load_option.OF_RECIPE, "lr"))  # lr: of its training


def note(text):
    """Print a note on stderr: what is left out of the pictures, and why."""
    print(f"note: {text}", file=sys.stderr)


def change(args, **changes):
    """Return a copy of the arguments with these changes."""
    return argparse.Namespace(**vars(args) | changes)


def prepare(args, data=None):
    """Return (model, loss, data) as np-nn train prepares them for the first seed, untrained.

    data: a Dataset prepared for the settings; None: the one that the arguments name.
    """
    data = data or cli.load(args)
    model = load_option.model(args, data, args.seed[0])
    return model, build.loss(args.settings, data), data


def train(args, callbacks=(), prepared=None):
    """Train as np-nn train does, from the first seed; return (model, loss, data, Result).

    prepared: the result of ``prepare``, if it was called before. Raises KeyboardInterrupt after
    Ctrl-C, as an incomplete training makes no picture.
    """
    model, loss, data = prepared or prepare(args)
    result = run.train(
        args.settings, data, args.seed[0], args.input, args.quiet, model=model, callbacks=callbacks
    )
    if result.history.interrupted:
        raise KeyboardInterrupt
    return model, loss, data, result


def trained(args):
    """Return (model, data, Evaluation of the test images), trained now or loaded by --load."""
    if args.loaded is None:
        model, _, data, result = train(args)
        return model, data, result.test
    model, loss, data = prepare(args)
    return model, data, evaluate(model, data.test, loss, input=args.input, keep=True)


def about(args, data):
    """Return one line: the network, its settings if it was trained now, and the data set."""
    if args.loaded is None:
        return run.about(args.settings, data)
    return f"{args.settings.network()} on {data.title}"
