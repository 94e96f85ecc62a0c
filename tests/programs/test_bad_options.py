"""Every option of every program refuses the bad values of its kind, and so does Recipe."""

import argparse
import importlib
import re

import pytest

import np_nn as nn
from np_nn import __main__ as np_nn_main
from np_nn import cli
from np_nn.commands import train
from np_nn.recipes import Recipe
from np_nn.recipes.recipe import hyperparameters
from np_nn.utils import machine
from np_nn.visualize import __main__ as visualize

pytestmark = pytest.mark.kernel_independent

NO_FLOAT32 = ["nan", "inf", "-inf", "1e39", "-1e400", "", " ", "x", "1,5", "a\nb"]
NO_COUNT = [*NO_FLOAT32, "-1", "1.5", "1e3", "16.0", "1000000001"]
LIMITS = ("a whole number <= 1,000,000,000", "a number from -3.4e+38 to 3.4e+38")
# {what an option demands when it refuses "?": values that are refused}
BAD = {
    "a whole number >= 0": NO_COUNT,
    "a whole number >= 1": [*NO_COUNT, "0"],
    "a whole number >= 2": [*NO_COUNT, "1"],
    "a finite number": NO_FLOAT32,
    "a number >= 0": [*NO_FLOAT32, "-1", "-1e-05"],
    "a number >= 0 or balanced": [*NO_FLOAT32, "-1", "balance"],
    "a number > 0": [*NO_FLOAT32, "-0.1", "-1e-05", "0"],
    "a number from 0 to 1": [*NO_FLOAT32, "-1", "1.5"],
    "a height and a width as in 28x28, each at most 4096,": [*NO_COUNT, "0", "5000", "1x2x3"],
    "a name": ["", " ", "x y", "a\nb", "nan", "-1", "1.5"],
    "a path": [""],
    "any text": [],
    "no value": ["", "1"],
    "True or False": ["", "x", "nan", "1"],  # in Python
}
NO_AUGMENTATION = ("--augment", ""), ("augment", "")  # the empty value that fits


def all_programs():
    """Return {name: a function that returns its parser} of every program and command."""
    paths = {name: module for name, (module, _) in np_nn_main.COMMANDS.items()}
    found = {name: lambda m=module: importlib.import_module(m) for name, module in paths.items()}
    found["np-nn"] = lambda: np_nn_main
    return found | {
        f"visualize {name}": lambda n=name: visualize.module_of(n) for name in visualize.COMMANDS
    }


PROGRAMS = all_programs()


@pytest.fixture(params=PROGRAMS)
def parser(request):
    if request.param == "train-torch":
        pytest.importorskip("torch")
    return PROGRAMS[request.param]().parser()


@pytest.fixture
def refused(parser, capsys):
    """Return a function from words to the one-line error with which the parser refuses them."""

    def line_of(*words):
        with pytest.raises(SystemExit, match="2"):
            parser.parse_args(words)
        out, err = capsys.readouterr()
        assert (out, err.count("\n"), err[:-1].isprintable()) == ("", 1, True), words
        assert err.startswith(f"{parser.prog}: error: "), words
        return err.strip().partition(": error: ")[2]

    return line_of


def demand(message):
    """Return what a refusal of "?" says is needed: a key of BAD."""
    found = re.search(r"(?:^|: )([^:]*) is needed, not '\?'$", message)
    return found[1] if found else "a name" if "unknown " in message else message


def kind_of(action):
    """Return the key of BAD for an option or a position of a parser."""
    if action.nargs == 0:
        return "no value"
    try:
        return {"?": "any text"}.get(action.type("?"), "a path")
    except argparse.ArgumentTypeError as error:
        return demand(str(error))


def words_of(parser, action, value):
    """Return the words of a command line that give the value to an option or a position."""
    if action.nargs == 0:
        return [f"{action.option_strings[-1]}={value}"]
    if not action.option_strings:
        return ["digits"] * parser._get_positional_actions().index(action) + [value]
    return [action.option_strings[-1], *[value] * (2 if action.nargs == 2 else 1)]


def test_every_option_refuses_the_bad_values_of_its_kind(parser, refused):
    for action in parser._actions:
        name, kind = "/".join(action.option_strings) or action.metavar, kind_of(action)
        for value in BAD[kind]:
            if (name, value) in NO_AUGMENTATION:
                continue
            said = refused(*words_of(parser, action, value))
            assert said.startswith(f"argument {name}: ")
            assert repr(value) in said
            if kind not in ("a name", "no value"):
                wanted = said.removeprefix(f"argument {name}: ").partition(" is needed, ")[0]
                assert wanted in (kind, *LIMITS)


def test_options_are_written_in_full_and_have_a_value(parser, refused):
    names = parser._option_string_actions
    for name, action in names.items():
        cut = name[:-1]
        if len(cut) > 3 and cut not in names:
            assert refused(cut).startswith(f"unknown option {cut}; did you mean '--")
        if action.nargs != 0:  # an option is no value of another
            for words in ([name], [name, "--help"]):
                assert re.search(r"expected .* arguments?$", refused(*words))


@pytest.mark.parametrize("field", hyperparameters(Recipe), ids=lambda field: field.name)
def test_a_recipe_refuses_the_bad_values_of_its_options(field):
    def said(value):
        with pytest.raises(nn.NpNNError) as caught:
            Recipe(**{field.name: (value, value) if field.name == "targets" else value})
        assert str(caught.value).startswith(f"{field.name}: ")
        assert str(caught.value).isprintable()
        return str(caught.value)

    kind = demand(said("?"))
    for text in BAD[kind]:
        if (field.name, text) not in NO_AUGMENTATION:
            said(text)
            said(in_python(text))
    for value in (object(), [[1]], *([True] if "number" in kind else [0, None])):
        said(value)


def in_python(text):
    """Return the number that a text stands for, or the text."""
    for convert in (int, float):
        try:
            return convert(text)
        except ValueError:
            continue
    return text


def test_values_that_look_like_options():
    args = cli.parser("").parse_args(["--shift", "-1e-05", "--out=--x", "--targets", "-1E5", "-.5"])
    assert (args.shift, str(args.out), args.targets) == (-1e-05, "--x", [-1e5, -0.5])


def test_of_a_repeated_option_the_last_value_counts():
    words = ["--lr", "1", "--hidden", "3", "4", "--bias", "--lr", "2", "--hidden", "5", "--no-bias"]
    args = cli.parser("").parse_args(words)
    assert (args.lr, args.hidden, args.bias) == (2.0, [5], False)


def test_more_threads_than_cores_are_as_many_as_the_cores():
    given = [cli.parser("").parse_args(["--threads", n]).threads for n in ("1", "999")]
    assert given == [1, machine.cores()]


def test_an_error_after_the_options_is_one_line_of_printable_characters(capsys):
    with pytest.raises(SystemExit, match="2"):
        cli.run(lambda: train.main(["--no-plots", "--load", "a\nb"]))
    assert capsys.readouterr().err.endswith(": error: a\\nb is not there\n")
