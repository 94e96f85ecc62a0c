"""Output files of a program: checked to be distinct from each other and from its inputs."""

import os
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path

from np_nn.utils import files
from np_nn.utils.errors import NpNNError

STDOUT = "-"  # the file of --json that means standard output


@dataclass(frozen=True)
class Output:
    """Output file of an option, with the earlier versions that are kept of it."""

    option: str
    path: Path
    keep: int = 1

    def claims(self, path):
        """Return whether writing this output would replace or block a file at a resolved path."""
        own = _resolved(self.path)
        return own in (path, *path.parents) or self._is_version(path, own)

    def _is_version(self, path, own):
        name, _, number = str(path).rpartition(".")
        return name == str(own) and number.isdecimal() and int(number) in range(1, self.keep)

    def check(self):
        if is_stdout(self.path):
            raise NpNNError(f"{self.option} -: name a file; --json alone writes to standard output")
        files.check_file(self.path)


@dataclass(frozen=True)
class Folder:
    """Output folder of an option. ending: suffix of the files written into it, or None."""

    option: str
    path: Path
    ending: str | None = None

    def claims(self, path):
        """Return whether a file at a resolved path would replace this folder or a file in it."""
        own = _resolved(self.path)
        return path in (own, *own.parents) or (path.parent, path.suffix) == (own, self.ending)

    def check(self):
        files.check_writable(self.path)


def check(args):
    """Check, before long work, that the outputs of the arguments are writable and distinct.

    Raises NpNNError if they are not.
    """
    wanted = list(_outputs(vars(args)))
    for one, other in permutations(wanted, 2):
        if not (isinstance(one, Folder) and isinstance(other, Folder)):
            _keep_apart(one, other.option, other.path)
    for option, path in _inputs(vars(args)):
        check_input(args, option, path)
    for one in wanted:
        one.check()


def check_input(args, name, path):
    """Raise NpNNError if an input file would also be written. name: what it is, in words."""
    for one in _outputs(vars(args)):
        if (one.option, name) != ("--save", "--resume"):  # --save may continue it
            _keep_apart(one, name, path)
            if os.path.isdir(path) and _resolved(path) in _resolved(one.path / "file").parents:
                raise _conflict(one, name, path)  # a picture would join the images of the set


def _outputs(given):
    """Yield an Output or a Folder for each output of the arguments, {name: value}."""
    saved = "save" if given.get("save") else "resume"
    if given.get(saved):
        yield Output(f"--{saved}", Path(given[saved]), given["keep"])
    for name in ("log", "json", "report", "csv", "picture", "output"):
        if given.get(name) and not (name == "json" and is_stdout(given[name])):
            yield Output(f"--{name}", Path(given[name]))
    for path in given.get("export", ()):
        yield Output("--export", Path(path))
    for path in given.get("to_files", ()):
        yield Output("the output", Path(path))
    if given.get("tensorboard"):
        yield Folder("--tensorboard", Path(given["tensorboard"]))
    if "out" in given and not given.get("no_plots"):
        yield Folder("--out", Path(given["out"]), f".{given['format']}")


def _inputs(given):
    """Yield (what it is, path) of each input file that is not continued."""
    loads = given.get("load") != given.get("resume")  # the same file: it is continued
    for name in ("resume" if given.get("save") else "", "weights", "load" if loads else ""):
        if given.get(name):
            yield f"--{name}", given[name]
    if given.get("model_file"):
        yield "the model file", given["model_file"]


def is_stdout(path):
    """Return whether the file of an option is "-", standard output."""
    return str(path) == STDOUT


def _keep_apart(one, name, path):
    if not _is_device(path) and one.claims(_resolved(path)):
        raise _conflict(one, name, path)


def _conflict(one, name, path):
    return NpNNError(
        f"{one.option} {one.path} and {name} {path} conflict: give each a file of its own"
    )


def _is_device(path):
    """Return whether a path is a device or a pipe, which several outputs may share."""
    return os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path)


def _resolved(path):
    """Return the path without links and dots, in lower case: many file systems ignore case."""
    return Path(os.path.realpath(path).casefold())
