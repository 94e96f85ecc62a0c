"""Hyperparameters: one field of Recipe determines option, check and reports."""

import dataclasses

import numpy as np
import pytest

import np_nn as nn
from np_nn import cli, recipes
from np_nn.cli.report import as_dict
from np_nn.recipes import Recipe, build
from np_nn.recipes.recipe import IMAGES, LENGTH, NETWORK, TRAINING, WHAT, hyperparameters, setting
from np_nn.recipes.run import Result, Run
from np_nn.training.history import Evaluation, History
from np_nn.utils.converters import share

pytestmark = pytest.mark.kernel_independent
FIELDS = hyperparameters(Recipe)
GROUPS = {WHAT, IMAGES, NETWORK, TRAINING, LENGTH}

# Words of the command line, and their value; for other fields "1" is used.
SAID = {
    "dataset": ("fashion", "fashion"),
    "scale": ("0.5", 0.5),
    "shift": ("-0.1", -0.1),
    "augment": ("shift:pixels=1+elastic", "shift:pixels=1+elastic"),
    "model": ("residual_mlp", "residual_mlp"),
    "hidden": ("30 20", (30, 20)),
    "channels": ("8 16", (8, 16)),
    "activation": ("leaky_relu:negative_slope=0.2", "leaky_relu:negative_slope=0.2"),
    "output": ("softmax", "softmax"),
    "norm": ("batch", "batch"),
    "init": ("torch", "torch"),
    "loss": ("focal:gamma=1", "focal:gamma=1"),
    "targets": ("-1 1", (-1.0, 1.0)),
    "class_weights": ("balanced", ("balanced",)),
    "optimizer": ("adam:eps=1e-6", "adam:eps=1e-6"),
    "lr": ("1e-3", 0.001),
    "schedule": ("cosine", "cosine"),
}


def said_of(field):
    """Return words of the command line for a field, and their value."""
    usual = ("", True) if isinstance(field.default, bool) else ("1", 1)
    return SAID.get(field.name, usual)


PLAIN = Recipe()


def parse(*words, base=PLAIN):
    return cli.parse(cli.parser_of("", base, images=True), [*words, "--out", "."]).settings


def option(field):
    return f"--{field.name.replace('_', '-')}"


def test_every_hyper_parameter_says_what_it_is():
    assert SAID.keys() <= {field.name for field in FIELDS}
    text = cli.parser("").format_help()
    for field in FIELDS:
        assert field.metadata["help"], field.name
        assert field.metadata["group"] in GROUPS, field.name
        assert f"\n  {option(field)}" in text, field.name


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_the_command_line_and_python_take_the_same_values(field, capsys):
    words, value = said_of(field)
    needs = {"channels": ["--model", "lenet"], "patience": ["--validation", "9"]}
    made = parse(*needs.get(field.name, ()), option(field), *words.split())
    assert getattr(made, field.name) == value
    assert getattr(Recipe(**{field.name: value}), field.name) == value
    for wrong in ("?", object(), [["?"]], [np.ones(500)]):
        with pytest.raises(nn.NpNNError, match=f"^{field.name}: .*") as caught:
            Recipe(**{field.name: wrong})
        assert len(str(caught.value).splitlines()) == 1
    with pytest.raises(SystemExit, match="2"):
        parse(option(field), "?")
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1
    assert option(field) in said or "unexpected argument '?'" in said


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dropout": 2}, "dropout: a number from 0 to 1 is needed, not 2"),
        ({"batch_size": 0}, "batch_size: a whole number >= 1 is needed, not 0"),
        ({"batch_size": 2.5}, "batch_size: a whole number >= 1 is needed, not 2.5"),
        ({"batch_size": None}, "batch_size: a whole number >= 1 is needed, not None"),
        ({"hidden": (3, -1)}, "hidden: a whole number >= 1 is needed, not -1"),
        ({"targets": (0, 1, 2)}, "targets: needs 2 values, got 3"),
        ({"shift": float("nan")}, "shift: a finite number is needed, not nan"),
        ({"lr": 10**400}, "lr: a number > 0 is needed, not 1000"),
        ({"bias": "no"}, "bias: True or False is needed, not 'no'"),
        ({"init": "torhc"}, "init: unknown initialiser 'torhc'; did you mean 'torch'?"),
        ({"optimizer": "sgd:momentun=1"}, "optimizer: unknown option of sgd 'momentun'"),
        ({"augment": "shift+zoom"}, "augment: unknown augmentation 'zoom'"),
    ],
)
def test_a_wrong_value_is_refused_in_a_line_that_names_the_field(changes, message):
    with pytest.raises(nn.NpNNError) as caught:
        dataclasses.replace(recipes.RECIPES["np_nn"], **changes)
    assert str(caught.value).startswith(message)


def test_a_value_becomes_one_of_the_fields_own_type():
    made = Recipe(hidden=[30, 20], class_weights="balanced", max_norm=2, epochs=None)
    assert (made.hidden, made.class_weights) == ((30, 20), ("balanced",))
    assert type(made.max_norm) is float
    assert made == Recipe(hidden=(30, 20), class_weights=["balanced"], max_norm=2.0)
    assert hash(made)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"patience": 2}, "patience needs held-out images"),
        ({"class_weights": (0, 0)}, r"^class_weights \(0.0, 0.0\): .* at least one .* above 0"),
        ({"class_weights": ("balanced", 1)}, "give balanced alone, or a number for each class"),
        ({"class_weights": (1, 2), "loss": "mse"}, "mse takes no class weights"),
        ({"optimizer": "sgd:momentum=-1"}, "^SGD: momentum must be "),
        ({"model": "lenet", "norm": "batch"}, "lenet has no norm; it has hidden, channels"),
        ({"schedule": "step:gamma=-1"}, "StepLR: "),
        ({"augment": "shift:pixels=-1"}, "Shift: pixels must be "),
    ],
)
def test_values_that_do_not_fit_together_are_found_before_anything_is_built(changes, message):
    with pytest.raises(nn.NpNNError, match=message):
        build.check(Recipe(**changes))


def test_some_options_change_an_option_of_a_field():
    made = parse("--momentum", "0.5", "--weight-decay", "0.1", "--label-smoothing", "0.2")
    assert made.optimizer == "sgd:momentum=0.5,weight_decay=0.1"
    assert made.loss == "cross_entropy:label_smoothing=0.2"
    with pytest.raises(nn.NpNNError, match="unknown option of adagrad 'momentum'"):
        parse("--optimizer", "adagrad", "--momentum", "0.5")


@dataclasses.dataclass(frozen=True)
class Warmer(Recipe):
    """A Recipe with one more hyperparameter."""

    warmth: float = setting(0.5, TRAINING, "how warm it is", share, said="warmth {:g}")


def test_a_new_hyper_parameter_takes_its_field_and_nothing_else(digits, capsys):
    text = cli.parser_of("", Warmer(), images=True).format_help()
    assert "\n  --warmth X            how warm it is\n" in text
    made = parse("--warmth", "0.25", base=Warmer())
    assert (made.warmth, made) == (0.25, Warmer(warmth=0.25))
    assert made.describe().endswith(", warmth 0.25")
    with pytest.raises(SystemExit, match="2"):
        parse("--warmth", "2", base=Warmer())
    assert "argument --warmth: a number from 0 to 1 is needed, not '2'" in capsys.readouterr().err
    with pytest.raises(nn.NpNNError, match="warmth: a number from 0 to 1"):
        Warmer(warmth=2)
    result = Result(0, History(0), Evaluation(0.5, 1.0))
    report = as_dict(Run("NumPy", "numpy", made, digits, 1, [result]))["hyperparameters"]
    assert report["warmth"] == 0.25
    assert report == {field.name: getattr(made, field.name) for field in hyperparameters(made)}
