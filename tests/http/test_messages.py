"""Field lines as bytes: what is found by searching is what is found by reading them one by one."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from propylon.http.field_lines import are_field_lines, special_lines
from propylon.http.messages import Field, FieldLines

LINES = b"Host:a\r\nX-A: 1\r\nx-b:\r\nX-a:\t2 \t3\t \r\nHostx: \xe9\r\nY: \thost: b\r\nY:x-c:\r\nX-A:4\r\n"


@pytest.mark.parametrize(
    ("name", "values"),
    [
        (b"host", [b"a"]),
        (b"hostx", [b"\xe9"]),
        (b"x-a", [b"1", b"2 \t3", b"4"]),
        (b"x-b", [b""]),
        (b"y", [b"host: b", b"x-c:"]),
        (b"x-c", []),
        (b"hos", []),
        (b"ost", []),
        (b"a", []),
        (b"Host", []),
        (b"", []),
    ],
)
def test_a_name_finds_its_own_fields_and_no_others(name: bytes, values: list[bytes]) -> None:
    head = FieldLines(LINES)
    assert head.values(name) == values
    assert head.value(name) == (values[0] if values else None)
    assert head.has(name) is bool(values)
    assert head.is_repeated(name) is (len(values) > 1)


def test_fields_come_in_order_as_written_without_blanks_around_values() -> None:
    assert FieldLines(b"X-A:\r\nb: \t c d \t \r\nX-a:\x80\r\n").fields == [
        (b"X-A", b""),
        (b"b", b"c d"),
        (b"X-a", b"\x80"),
    ]
    assert FieldLines(b"").fields == []


@pytest.mark.parametrize(
    ("names", "left"),
    [
        (b"absent|ost", LINES),
        (b"host", LINES[8:]),
        (b"x-b|host", LINES[8:].replace(b"x-b:\r\n", b"")),
        (b"x-a", b"Host:a\r\nx-b:\r\nHostx: \xe9\r\nY: \thost: b\r\nY:x-c:\r\n"),
        (b"host.*|x-.|y", b""),
    ],
)
def test_the_lines_that_an_expression_finds_can_be_cut(names: bytes, left: bytes) -> None:
    head = FieldLines(LINES)
    assert head.cut(special_lines(names).finditer(head.lower)) == left


def test_whatever_passes_for_field_lines_hides_no_name_in_a_value() -> None:
    pieces = [b"a", b"host", b":", b" ", b"\t", b"\r", b"\n", b"\r\n"]
    for length in range(6):
        for lines in map(b"".join, product(pieces, repeat=length)):
            if not are_field_lines(lines + b"\r\n", 0):
                continue
            own = [line for line in lines.split(b"\n") if line.startswith(b"host:")]
            values = [line.removeprefix(b"host:").strip(b" \t\r") for line in own]
            head = FieldLines(lines)
            assert head.value(b"host") == (values[0] if values else None)
            assert head.is_repeated(b"host") is (len(values) > 1)


FIELDS = st.tuples(
    st.sampled_from([b"A", b"a", b"Ab", b"b", b"X-A", b"x_a"]), st.sampled_from([b"", b"1", b"a: b", b"b:", b"\xe9"])
)


@given(st.lists(FIELDS), st.sampled_from([b"a", b"ab", b"b", b"x-a", b"x_a", b"-a", b"1"]))
def test_searching_and_reading_agree(fields: list[Field], name: bytes) -> None:
    head = FieldLines(b"".join(b"%b: %b \r\n" % field for field in fields))
    values = [value for field, value in fields if field.lower() == name]
    assert (head.fields, head.values(name)) == (fields, values)
    assert (head.has(name), head.is_repeated(name)) == (bool(values), len(values) > 1)
    assert head.value(name) == (values[0] if values else None)
    others = [(field, value) for field, value in fields if field.lower() != name]
    assert FieldLines(head.cut(special_lines(name).finditer(head.lower))).fields == others
