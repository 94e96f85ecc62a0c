"""Markdown tables: columns stay aligned with all kinds of names."""

import pytest

from np_nn.utils.markdown import markdown_table

pytestmark = pytest.mark.kernel_independent


def test_a_cell_is_one_line_and_has_no_border_of_its_own():
    assert markdown_table(("class", "n"), [("a|b\nc", 1)]).splitlines() == [
        "| class  |  n |",
        "| :----- | -: |",
        r"| a\|b c |  1 |",
    ]


def test_wide_characters_take_two_columns():
    assert markdown_table(("class", "n"), [("猫と犬", 1), ("dog", 2)]).splitlines()[2:] == [
        "| 猫と犬 |  1 |",
        "| dog    |  2 |",
    ]
