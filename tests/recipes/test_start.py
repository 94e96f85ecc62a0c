"""The recipe start: it learns quickly, also with changed settings; own data train with it."""

import dataclasses

import numpy as np
import pytest

from np_nn import cli, recipes
from np_nn.cli import settings
from np_nn.data import Dataset, Split
from np_nn.data.preparation import FEATURES, Preparation
from np_nn.recipes.prepare import prepare
from np_nn.recipes.run import train
from np_nn.reproduce import tables

pytestmark = pytest.mark.kernel_independent
START = recipes.RECIPES["start"]


def accuracy(data, seed=0, **changes):
    changed = dataclasses.replace(START, **changes)
    return train(changed, prepare(changed, data), seed, quiet=True).test.accuracy


def subset(split, n):
    return dataclasses.replace(split, images=split.images[:n], labels=split.labels[:n])


def test_1400_digits_are_learnt_in_20_epochs(mnist):
    """1,120 training images, as in a split folder of 1,400; tested on held-out training images."""
    held_out = dataclasses.replace(
        mnist.train, images=mnist.train.images[-2000:], labels=mnist.train.labels[-2000:]
    )
    data = dataclasses.replace(mnist, train=subset(mnist.train, 1120), test=held_out)
    assert START.epochs == 20
    assert accuracy(data) > 0.93


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"hidden": (100, 100, 100, 100)},
        {"lr": 3 * START.lr},
        {"lr": START.lr / 3},
        {"bias": False},
        {"activation": "tanh"},
        {"model": "lenet", "hidden": (64,), "input_dropout": 0.0, "init": "torch"},
    ],
    ids=str,
)
def test_a_first_change_works(digits, changes):
    assert accuracy(digits, epochs=3 if "model" in changes else 5, **changes) > 0.9


def test_a_tiny_set_works(digits):
    data = dataclasses.replace(digits, train=subset(digits.train, 40))
    assert accuracy(data) > 0.6


def test_floats_stay_as_they_are():
    split = Split(np.linspace(0, 1, 12, dtype=np.float32).reshape(3, 4), np.arange(3))
    own = prepare(START, Dataset("own", split, split, tuple("abc"), None))
    assert (own.train.scale, own.preparation.scale) == (1.0, 1.0)  # 1/255 is for pixels


def test_features_work():
    from sklearn.datasets import load_wine

    table, labels = load_wine(return_X_y=True)
    table = ((table - table.mean(axis=0)) / table.std(axis=0)).astype(np.float32)
    order = np.random.default_rng(0).permutation(len(labels))
    rows, labels = table[order], labels[order]
    train_part, test_part = Split(rows[:140], labels[:140]), Split(rows[140:], labels[140:])
    one = (1.0,) * 13
    preparation = Preparation(
        FEATURES, (13,), pixels=False, columns=tuple("abcdefghijklm"), mean=one, std=one
    )
    classes = ("0", "1", "2")
    data = Dataset("wine", train_part, test_part, classes, None, preparation=preparation)
    assert accuracy(data) > 0.85
    as_they_are = prepare(dataclasses.replace(START, standardize=True), data).train
    assert (as_they_are.scale, as_they_are.shift) == (1.0, 0.0)


def test_own_data_begin_with_it_and_named_sets_do_not():
    def recipe(dataset, *words, default="np_nn"):
        args = cli.parser("", recipe=default).parse_args(words)
        args.dataset = dataset
        settings.choose(args)
        return args.recipe

    assert recipe("folder/of/images") == "start"
    assert recipe("folder/of/images", default="np_nn_torch") == "start"
    assert recipe("folder/of/images", "--recipe", "plain") == "plain"
    assert {recipe(name) for name in (None, "digits", "auto", "mnist")} == {"np_nn"}


def test_it_is_listed_and_no_published_row(capsys):
    with pytest.raises(SystemExit):
        cli.parser("").parse_args(["--list-recipes"])
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "| start " in line]
    assert line.endswith(" - |")
    assert START.published is None
    assert START.table not in tables.TITLES
