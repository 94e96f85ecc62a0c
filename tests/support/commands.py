"""Helpers of the tests of python -m np_nn.visualize: short options, drawing, and refusals."""

import pytest

from np_nn import cli
from np_nn.visualize import __main__ as visualize

SMALL = ["--dataset", "digits", "--hidden", "8", "--steps", "20", "--batch-size", "20", "--quiet"]


def draw(folder, name, arguments):
    """Run a command into a folder; return the names of the files there."""
    visualize.main([name, *arguments, "--out", str(folder)])
    return sorted(path.name for path in folder.iterdir())


def refused(capsys, *words):
    """Return the one-line error of a command that refuses these words."""
    with pytest.raises(SystemExit) as stop:
        cli.run(lambda: visualize.main(list(words)))
    assert stop.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line
