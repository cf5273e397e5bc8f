"""Heads as values."""

import pytest

from propylon.http.messages import RequestHead


@pytest.mark.parametrize(
    ("name", "values"), [(b"a", [b"1", b"3"]), (b"b", [b"2"]), (b"c", [])], ids=["repeated", "single", "absent"]
)
def test_all_values_of_a_field_come_in_order(name: bytes, values: list[bytes]) -> None:
    head = RequestHead()
    head.fields = [(b"A", b"1"), (b"B", b"2"), (b"a", b"3")]
    head.values = {b"a": b"1", b"b": b"2"}
    head.repeated = frozenset({b"a"})
    assert head.all_values(name) == values
