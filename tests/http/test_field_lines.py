"""Fields of a head, and llhttp's objections to it."""

import httptools
import pytest

from propylon.http import field_lines
from propylon.http.field_lines import LowerNames, all_values, index_fields, read_fields


def read(lines: bytes) -> tuple[list[tuple[bytes, bytes]], str]:
    raw = b"GET / HTTP/1.1\r\n" + lines + b"\r\n"
    return read_fields(raw, raw.count(b"\n") - 2, httptools.HttpRequestParser)


def test_fields_come_in_order_as_written_without_blanks_around_values() -> None:
    fields, objection = read(b"X-A:\r\nb: \t c d \t \r\nX-a:\x80\r\n")
    assert (fields, objection) == ([(b"X-A", b""), (b"b", b"c d"), (b"X-a", b"\x80")], "")


@pytest.mark.parametrize(
    "lines",
    [
        b"A : b\r\n",
        b" A: b\r\n",
        b"A: b\r\n c\r\n",
        b"A: b\r\n\tc\r\n",
        b"A: \x00\r\n",
        b"A: \x01\r\n",
        b"A: \x7f\r\n",
        b"A: b\n",
        b"A: b\rc\r\n",
        b"A\r\n",
        b": b\r\n",
        b"A\x01: b\r\n",
        b"(A): b\r\n",
        b"\xe9: b\r\n",
        b"Content-Length: 5\r\nContent-Length: 5\r\n",
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
    ],
)
def test_strict_llhttp_objects(lines: bytes) -> None:
    assert read(lines)[1]


def test_a_count_that_differs_from_the_lines_is_an_objection() -> None:
    assert read_fields(b"GET / HTTP/1.1\r\nA: b\r\n\r\n", 2, httptools.HttpRequestParser)[1]


def test_an_upgrade_is_no_objection() -> None:
    assert read(b"Upgrade: h2c\r\nConnection: upgrade\r\n")[1] == ""


def test_the_index_holds_first_values_and_says_what_came_again() -> None:
    fields = [(b"A", b"1"), (b"b", b"2"), (b"a", b"3"), (b"A", b"4")]
    assert index_fields(fields, LowerNames()) == ({b"a": b"1", b"b": b"2"}, {b"a"})
    assert index_fields(fields[:2], LowerNames()) == ({b"a": b"1", b"b": b"2"}, frozenset())
    assert all_values(b"a", fields) == [b"1", b"3", b"4"]


def test_the_spellings_remembered_are_bounded() -> None:
    names = LowerNames()
    for number in range(field_lines.NAMES_MAX + 10):
        assert names[b"N%d" % number] == b"n%d" % number
    assert names[b"N" * 1000] == b"n" * 1000
    assert len(names) == field_lines.NAMES_MAX
