"""Dataclasses as plain values and back."""

import json
from dataclasses import dataclass

import numpy as np
import pytest

import np_nn as nn
from np_nn.utils.plain import plain, read

pytestmark = pytest.mark.kernel_independent


@dataclass(frozen=True)
class Inner:
    sizes: tuple[int, ...] = ()


@dataclass(frozen=True)
class Outer:
    name: str = ""
    share: float = 0.0
    inner: Inner = Inner()
    pair: tuple[int, int] | None = None
    more: dict = None


FULL = Outer("ß", 0.5, Inner((1, 2)), (3, 4), {"a": (1, (2.5, None)), "b": True})


@pytest.mark.parametrize("given", [Outer(more={}), FULL])
def test_there_and_back_by_json(given):
    assert read(Outer, json.loads(json.dumps(plain(given))), "it") == given


def test_numbers_of_numpy_and_objects_become_plain():
    found = plain({"a": np.float32(0.5), 3: np.arange(2), "c": Outer, "d": (np.True_,)})
    assert found == {"a": 0.5, "3": [0, 1], "c": str(Outer), "d": [True]}
    assert type(found["a"]) is float
    assert found["d"][0] is True


@pytest.mark.parametrize(
    ("tree", "where"),
    [
        ([], "it: not a dict"),
        ({"name": 3}, "it: name"),
        ({"share": True}, "it: share"),
        ({"share": float("nan")}, "it: share"),
        ({"share": 10**400}, "it: share"),
        ({"inner": {"sizes": [1.5]}}, "it: inner: sizes"),
        ({"inner": {"sizes": "12"}}, "it: inner: sizes"),
        ({"pair": "x"}, "it: pair"),
        ({"more": None}, "it: more"),
    ],
)
def test_another_type_is_refused_with_its_place(tree, where):
    with pytest.raises(nn.NpNNError, match=where):
        read(Outer, tree, "it")


def test_names_of_a_later_version_are_ignored():
    assert read(Outer, {"later": 1, "inner": {"later": [2]}}, "it") == Outer()
