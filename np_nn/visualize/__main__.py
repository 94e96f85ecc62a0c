"""Draw what a network does, and how it learns."""

import argparse
import importlib
import sys

from np_nn import cli

# A command's module has parser(), its arguments, and draw(args), which returns the files written.
COMMANDS = {  # name: what it draws
    "pass": "one image's way through a network and back: every layer, every gradient",
    "training": "a training: curves, weights, gradients, dead units, what the first layer learns",
    "answers": "a trained network's answers: right and wrong, how sure, and what it sees alike",
    "boundary": "how the border between two classes in the plane comes about",
    "effects": "what learning rate, initialisation, batch size and activation do to the loss",
    "surface": "the loss around the path that a training takes",
}
MODULES = {"pass": "passes"}  # where the command is a word of Python


def main(argv=None):
    command = cli.Parser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="\n".join(["commands:", *(f"  {name:10}{text}" for name, text in COMMANDS.items())]),
    )
    command.add_argument("command", choices=COMMANDS, metavar="COMMAND", help="what to draw")
    words = sys.argv[1:] if argv is None else argv
    name = command.parse_args(words[:1]).command
    module = importlib.import_module(f"np_nn.visualize.{MODULES.get(name, name)}")
    parser = module.parser()
    parser.prog = f"{command.prog} {name}"
    written = module.draw(cli.parse(parser, words[1:]))
    print(f"written: {', '.join(map(str, written))}")
    return 0


if __name__ == "__main__":
    cli.run(main)
