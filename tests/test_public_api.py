"""Every public argument: values of its kind work, and others end in an NpNNError of one line."""

import inspect

import pytest

import np_nn as nn
from tests.support import api

CALLABLES = [
    name for name in nn.__all__
    if callable(getattr(nn, name)) and not (
        inspect.isclass(getattr(nn, name)) and issubclass(getattr(nn, name), BaseException)
    )
]  # fmt: skip
VARIABLE = inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    return api.rows(tmp_path_factory.mktemp("walk"))


def parameters(name):
    found = inspect.signature(getattr(nn, name)).parameters.values()
    return [one.name for one in found if one.kind is not one.VAR_KEYWORD]


def call(name, arguments, argument, value):
    """Call with one argument changed; *arguments by position."""
    if inspect.signature(getattr(nn, name)).parameters[argument].kind in VARIABLE:
        return getattr(nn, name)(value)
    arguments = arguments | api.WITHOUT.get((name, argument), {}) | {argument: value}
    return getattr(nn, name)(**arguments)


@pytest.mark.kernel_independent
@pytest.mark.parametrize("name", CALLABLES)
def test_every_argument_has_a_row(name, rows):
    kinds = rows[name][1] if parameters(name) else {}
    assert set(parameters(name)) <= kinds.keys(), f"tests/support/api.py lacks a row of {name}"
    assert all(kind.good for kind in kinds.values())


@pytest.mark.parametrize("name", CALLABLES)
def test_a_good_value_works_and_a_bad_one_is_refused_in_one_line(name, rows, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    if not parameters(name):
        return
    arguments, kinds = rows[name]
    wrong = []
    for argument in parameters(name):
        for value in kinds[argument].good:
            call(name, arguments, argument, value)
        for value in kinds[argument].bad:
            try:
                call(name, arguments, argument, value)
            except nn.NpNNError as error:
                if len(str(error).splitlines()) == 1:
                    continue
                wrong.append(f"{argument}={value!r}: several lines: {error}")
            except Exception as error:
                wrong.append(f"{argument}={value!r}: {type(error).__name__}: {error}")
            else:
                wrong.append(f"{argument}={value!r} is taken")
    assert not wrong, "\n".join([name, *wrong])
