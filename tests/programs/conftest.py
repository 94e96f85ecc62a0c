"""Fixtures for the tests of the programs."""

import sys

import pytest

from np_nn import __main__ as program
from np_nn import cli


@pytest.fixture
def np_nn(monkeypatch, capsys):
    """Return the program as a function: arguments -> (exit status, stdout, stderr)."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["/usr/bin/np-nn"])
        with pytest.raises(SystemExit) as stop:
            cli.run(lambda: program.main([str(word) for word in arguments]))
        return stop.value.code, *capsys.readouterr()

    return run
