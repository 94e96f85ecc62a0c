"""Option --find-lr: the range test of the learning rate."""

import shlex
from functools import partial
from pathlib import Path

from np_nn import cli
from np_nn.analysis.lr_range import find_lr
from np_nn.cli import load_option
from np_nn.recipes import build
from np_nn.recipes.run import about
from np_nn.utils.errors import NpNNError

FIT = ("batch_size", "replacement", "augment", "limits")  # options shared with `fit`
OUTPUTS = ("save", "resume", "export", "log", "tensorboard", "report", "shards")  # need a training


def add_option(command):
    """Add --find-lr."""
    command.add_argument(
        "--find-lr",
        action="store_true",
        help="train nothing: try learning rates from tiny to too large (Smith's range test), draw "
        "the loss, and suggest one",
    )


def check(args):
    """Raise NpNNError if --find-lr is given with options that need a training."""
    given = [f"--{name}" for name in OUTPUTS if getattr(args, name, None)]
    if args.find_lr and given:
        raise NpNNError(f"--find-lr trains nothing: leave out {', '.join(given)}")


def search(args, data):
    """Run the range test of the arguments with the first seed, and return the exit status.

    Draws the losses, and prints the suggested rate with the command that uses it. data: Dataset,
    prepared for the settings.
    """
    settings, seed = args.settings, args.seed[0]
    model = load_option.model(args, data, seed)
    options = build.fit_options(settings, data)
    found = find_lr(
        model, data.train, build.loss(settings, data),
        build.optimizer(settings, model.parameters()),
        seed=seed, input=args.input, **{name: options[name] for name in FIT},
    )  # fmt: skip
    writers = [] if args.no_plots else [partial(_draw, args, data, found)]
    content = {
        "suggestion": found.suggestion,
        "rates": found.rates.tolist(),
        "losses": found.losses.tolist(),
        "smoothed": found.smoothed.tolist(),
    }
    cli.conclude(writers, _text(args, data, found), args.json, lambda: content)
    return 0


def _draw(args, data, found):
    from np_nn import plots

    path = Path(args.out) / f"lr_range.{args.format}"
    title = f"Range test: loss as the rate grows\n{about(args.settings, data)}"
    return [plots.plot_lr_range(found, path, title, data.note)]


def _text(args, data, found):
    lowest = found.rates[found.smoothed.argmin()]
    lines = [
        about(args.settings, data),
        f"{len(found.rates)} steps, each with a larger learning rate, {found.rates[0]:.2g} to "
        f"{found.rates[-1]:.2g}; nothing was trained",
    ]
    if found.suggestion is None:
        return "\n".join([*lines, "the loss fell at none of them: try --recipe start"])
    words = [word for word in shlex.split(args.command) if word != "--find-lr"]
    lines.append(
        f"suggestion: {found.suggestion:g}, a tenth of {lowest:.2g}, where the loss was lowest"
    )
    return "\n".join([*lines, shlex.join([*words, "--lr", f"{found.suggestion:g}"])])
