"""Draw what a network does, and how it learns."""

import argparse
import importlib
import sys

from np_nn import cli
from np_nn.utils.converters import one_of

# A command's module has parser() for its arguments and draw(args), which returns the files written.
COMMANDS = {  # name: what it draws
    "pass": "one image's forward and backward pass: every layer, every gradient",
    "training": "a training: curves, weights, gradients, dead units, what the first layer learns",
    "answers": "a trained network's predictions: mistakes, confidence, and an embedding",
    "boundary": "the decision boundary between two classes in the plane while it is learnt",
    "effects": "effects of learning rate, initialisation, batch size and activation on the loss",
    "surface": "the loss surface around the path of a training",
}
MODULES = {"pass": "passes"}  # of commands that are Python keywords


def parser():
    command = cli.Parser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="\n".join(["commands:", *(f"  {name:10}{text}" for name, text in COMMANDS.items())]),
    )
    command.add_argument(
        "command", type=one_of("command", COMMANDS), metavar="COMMAND", help="what to draw"
    )
    return command


def module_of(name):
    """Return the module of a command."""
    return importlib.import_module(f"np_nn.visualize.{MODULES.get(name, name)}")


def main(argv=None):
    words = sys.argv[1:] if argv is None else argv
    command = parser()
    name = command.parse_args(words[:1]).command
    module = module_of(name)
    own = module.parser()
    own.prog = f"{command.prog} {name}"
    written = module.draw(cli.parse(own, words[1:]))
    print(f"written: {', '.join(map(str, written))}")
    return 0


if __name__ == "__main__":
    cli.run(main)
