"""What the commands share: their arguments, and a network that is trained as they say."""

import argparse

from np_nn import cli
from np_nn.recipes import build, run


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


def change(args, **changes):
    """The arguments as they would be with these changes."""
    return argparse.Namespace(**vars(args) | changes)


def prepare(args, data=None):
    """What np-nn train trains, from the first seed, not yet trained: (model, loss, data).

    data: a Dataset as the settings want it, if not the one that the arguments name.
    """
    data = data or cli.load(args)
    model = build.model(args.settings, data, args.seed[0])
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
