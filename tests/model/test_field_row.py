"""Rows of the table of fields."""

from propylon.model.field_conditions import IS_SET
from propylon.model.field_row import FieldClass, dormant, final, guard, honoured, less


def test_only_a_plain_guard_can_be_opted_out_of() -> None:
    rows = [*honoured("a"), *dormant("b", "b"), *less("c", "c"), *guard("d", "d"), *final("e", "e", IS_SET)]
    assert [row.path for row in rows if row.opt_out] == ["d"]


def test_a_dormant_row_never_takes_effect() -> None:
    (row,) = dormant("a remark", "a")
    assert row.field_class is FieldClass.DORMANT
    assert not row.when.holds("anything", ({},))
