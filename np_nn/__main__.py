"""The program np-nn, also python -m np_nn: its table of commands."""

import argparse
import importlib
import sys

import np_nn
from np_nn import cli
from np_nn.utils.converters import one_of

# A command's module is imported when the command runs; its main(argv) returns the exit status.
COMMANDS = {  # name: (module, what it does)
    "train": ("np_nn.commands.train", "train a network, and compare it with the published one"),
    "train-torch": ("np_nn.commands.train_torch", "train the same network in PyTorch"),
    "evaluate": ("np_nn.commands.evaluate", "test a saved model: accuracy, recalls, confusion"),
    "predict": ("np_nn.commands.predict", "classify image files with a saved model"),
    "export": ("np_nn.commands.export", "write a saved model as ONNX, as C or for PyTorch"),
    "draw": ("np_nn.visualize.draw.__main__", "make a page to draw on and to see it learn"),
    "data": ("np_nn.commands.data", "show a data set: counts, classes, a picture of samples"),
    "store": ("np_nn.commands.store", "pour a data set into a folder that may exceed the memory"),
    "info": ("np_nn.commands.info", "show versions, kernels, threads, and locations of data sets"),
    "compare": ("np_nn.compare", "time NumPy, the compiled kernels and PyTorch side by side"),
    "reproduce": ("np_nn.reproduce.__main__", "train the published rows again"),
    "course": ("np_nn.course.write", "write ten files with holes, to rebuild the library from"),
    "check": ("np_nn.course.check", "check a file of the course, and train with it"),
    "visualize": ("np_nn.visualize.__main__", "draw what a network does, and how it learns"),
}


def main(argv=None):
    """Run the command that the arguments name; return its exit status."""
    words = sys.argv[1:] if argv is None else list(argv)
    command = parser()
    if not words:
        command.print_help()
        return 0
    name = command.parse_args(words[:1]).command
    sys.argv = [f"{command.prog} {name}", *words[1:]]  # the program's name in usage and errors
    module, _ = COMMANDS[name]
    return importlib.import_module(module).main(words[1:])


def program():
    """Run np-nn from the command line and exit."""
    cli.run(main)


def parser():
    """Return the Parser of the command's name."""
    lines = [f"  {name:12} {about}" for name, (_, about) in COMMANDS.items()]
    command = cli.Parser(
        description=f"np_nn {np_nn.__version__}: train neural networks in NumPy, and use them.",
        usage="%(prog)s COMMAND ...",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="\n".join(["commands (each has --help):", *lines]),
    )
    command.add_argument("--version", action="version", version=f"np_nn {np_nn.__version__}")
    command.add_argument(
        "command", type=one_of("command", COMMANDS), metavar="COMMAND", help="what to do"
    )
    return command


if __name__ == "__main__":
    program()
