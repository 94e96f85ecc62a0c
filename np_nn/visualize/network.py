"""What the commands share: their arguments, and a network that is trained as they say."""

import np_nn as nn
from np_nn import cli, losses, models, optim, run


def parser(about, recipe="np_nn"):
    """The arguments of main_np.py; pictures go into the gallery. recipe: the default one."""
    return _gallery(cli.parser(about, recipe=recipe))


def parser_of(about, settings, images=True):
    """The same for a Recipe of the command's own; see ``cli.parser_of``."""
    return _gallery(cli.parser_of(about, settings, images=images))


def _gallery(command):
    cli.add_numpy_options(command)
    command.set_defaults(out="gallery")
    return command


def train(args, callbacks=()):
    """Train as main_np.py does, from the first seed: (model, loss, data, history).

    Raises KeyboardInterrupt after Ctrl-C: half a training makes no picture.
    """
    data = cli.load(args)
    model, loss, history = fit(args, args.settings, data, callbacks, args.quiet)
    return model, loss, data, history


def fit(args, settings, data, callbacks=(), quiet=True):
    """The same for settings of the caller's, on data prepared for them: (model, loss, history)."""
    seed = args.seed[0]
    model = models.build(settings, data, seed)
    loss = losses.build(settings, data)
    optimizer = optim.build(settings, model.parameters())
    options = run.fit_options(settings, data)
    history = nn.fit(
        model, data.train, loss, optimizer, **options,
        callbacks=callbacks, seed=seed, input=args.input, quiet=quiet,
    )  # fmt: skip
    if history.interrupted:
        raise KeyboardInterrupt
    return model, loss, history
