"""What the commands share: their arguments, and a network that is trained as they say."""

import np_nn as nn
from np_nn import cli, losses, models, optim, run


def parser(about, recipe="np_nn"):
    """The arguments of main_np.py; pictures go into the gallery. recipe: the default one."""
    command = cli.parser(about, recipe=recipe)
    cli.add_numpy_options(command)
    command.set_defaults(out="gallery")
    return command


def prepare(args):
    """What main_np.py trains, from the first seed, not yet trained: (model, loss, data)."""
    data = cli.load(args)
    model = models.build(args.settings, data, args.seed[0])
    return model, losses.build(args.settings, data), data


def train(args, callbacks=(), prepared=None):
    """Train as main_np.py does, from the first seed: (model, loss, data, history).

    prepared: what ``prepare`` returned, if that was needed before. Raises KeyboardInterrupt after
    Ctrl-C: half a training makes no picture.
    """
    model, loss, data = prepared or prepare(args)
    optimizer = optim.build(args.settings, model.parameters())
    options = run.fit_options(args.settings, data)
    history = nn.fit(
        model, data.train, loss, optimizer, **options,
        callbacks=callbacks, seed=args.seed[0], input=args.input, quiet=args.quiet,
    )  # fmt: skip
    if history.interrupted:
        raise KeyboardInterrupt
    return model, loss, data, history
