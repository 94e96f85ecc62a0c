"""Types of the public names: every parameter and result has a hint, and a user's program runs."""

import ast
import inspect
import sys

import pytest

import np_nn as nn
from np_nn import layers
from tests.typing import user_program


def functions():
    """Yield (name, function) of each public function, constructor, method and property."""
    for name in nn.__all__:
        value = getattr(nn, name)
        if inspect.isfunction(value):
            yield name, value
        for attribute in dir(value) if inspect.isclass(value) else ():
            if not attribute.startswith("_") or attribute in ("__init__", "__call__"):
                yield f"{name}.{attribute}", inspect.getattr_static(value, attribute)


def own(function):
    """Return the function of a property or method, or None for one that is not np_nn's."""
    function = getattr(function, "fget", None) or getattr(function, "func", function)
    function = getattr(function, "fn", function)  # of scikit-learn's available_if
    function = getattr(function, "__func__", function)
    ours = inspect.isfunction(function) and function.__module__.split(".")[0] == "np_nn"
    return function if ours else None


def unhinted(function):
    """Return the parameters without a hint, and "return" if the result has none."""
    parameters = list(inspect.signature(function).parameters)
    taken = parameters[1:] if parameters[:1] in (["self"], ["cls"]) else parameters
    return [name for name in [*taken, "return"] if name not in function.__annotations__]


@pytest.mark.kernel_independent
def test_every_parameter_and_result_has_a_hint():
    found = {name: own(function) for name, function in functions()}
    missing = {name: unhinted(each) for name, each in found.items() if each}
    assert len(missing) > 500
    assert not {name: names for name, names in missing.items() if names}


@pytest.mark.kernel_independent
def test_a_missing_hint_is_seen():
    def function(self, a: int, b, *c, **d: int):
        """Take arguments."""

    assert unhinted(function) == ["b", "c", "return"]


def visible():
    """Yield the public names as a type checker finds them, which runs no code."""
    for node in ast.walk(ast.parse(inspect.getsource(nn))):
        for alias in node.names if isinstance(node, ast.ImportFrom) else ():
            if alias.name == "*":
                source = ast.parse(inspect.getsource(sys.modules[node.module]))
                lists = [each.value for each in source.body if "__all__" in ast.unparse(each)]
                yield from ast.literal_eval(lists[-1])
            elif alias.asname and not alias.asname.startswith("_"):
                yield alias.asname


@pytest.mark.kernel_independent
def test_a_type_checker_finds_the_public_names():
    assert sorted(visible()) == nn.__all__


@pytest.mark.kernel_independent
def test_the_package_offers_public_names_only():
    dunder = {name for name in vars(nn) if name.startswith("__")}
    assert set(dir(nn)) == {*nn.__all__, *dunder}
    assert {"MLPClassifier", "MLPRegressor", "__version__"} < set(dir(nn))
    assert set(layers.__all__) == {name for name in vars(layers) if name[0].isupper()}
    assert all(hasattr(nn, name) for name in dir(nn))


def test_the_program_of_a_user_runs(tmp_path):
    assert user_program.train(tmp_path) > 0.8
    assert "parameters in all" in user_program.ready_made(tmp_path)
    assert user_program.estimator().shape == (4,)
