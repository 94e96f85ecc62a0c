"""What the commands share: their arguments, and a network that is trained as they say."""

import np_nn as nn
from np_nn import cli, losses, models, optim, run


def parser(about, recipe="np_nn"):
    """The arguments of main_np.py; pictures go into the gallery. recipe: the default one."""
    command = cli.parser(about, recipe=recipe)
    cli.add_numpy_options(command)
    command.set_defaults(out="gallery")
    return command


def train(args, callbacks=(), data=None):
    """Train as main_np.py does, from the first seed: (model, loss, data, history).

    data: what ``cli.load`` gave, if the callbacks need it before. Raises KeyboardInterrupt after
    Ctrl-C: half a training makes no picture.
    """
    settings, data, seed = args.settings, data or cli.load(args), args.seed[0]
    model = models.build(settings, data, seed)
    loss = losses.build(settings, data)
    optimizer = optim.build(settings, model.parameters())
    options = run.fit_options(settings, data)
    history = nn.fit(
        model, data.train, loss, optimizer, **options,
        callbacks=callbacks, seed=seed, input=args.input, quiet=args.quiet,
    )  # fmt: skip
    if history.interrupted:
        raise KeyboardInterrupt
    return model, loss, data, history
