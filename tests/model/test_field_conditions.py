"""Conditions err on the side of effect."""

from math import nan
from typing import Any

import pytest

from propylon.model.field_conditions import HAS_ENTRIES, IS_SET, Condition, above, beside, other_than, unless


@pytest.mark.parametrize(
    ("condition", "value", "beside_it", "holds"),
    [
        (IS_SET, [], {}, False),
        (IS_SET, "false", {}, True),
        (unless("off"), 1, {"off": True}, False),
        (unless("off"), 1, {"off": "true"}, True),
        (beside("on"), 1, {}, False),
        (beside("on"), 1, {"on": 1}, True),
        (above(0), 0, {}, False),
        (above(0), -1, {}, False),
        (above(0), "5", {}, True),
        (above(0), nan, {}, True),
        (above(0), None, {}, False),
        (other_than("http"), "http", {}, False),
        (other_than("http"), "tcp", {}, True),
        (HAS_ENTRIES, [{"disabled": True}], {}, False),
        (HAS_ENTRIES, [{"disabled": True}, {}], {}, True),
        (HAS_ENTRIES, {"a": 1}, {}, True),
    ],
)
def test_whether_a_value_takes_effect(condition: Condition, value: Any, beside_it: dict[str, Any], holds: bool) -> None:
    assert condition.holds(value, (beside_it,)) is holds


def test_joined_conditions_must_both_hold_and_read_as_one() -> None:
    both = IS_SET & unless("off")
    assert both.text == "set and `off` is not true"
    assert not both.holds(1, ({"off": True},))
    assert not both.holds(0, ({},))
    assert both.holds(1, ({},))
