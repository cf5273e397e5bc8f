"""The grammar of field lines, and llhttp's objections to a head."""

import httptools
import pytest

from propylon.http.field_lines import PLAIN_LINES, are_field_lines, llhttp_objection

START = b"GET / HTTP/1.1\r\n"
MALFORMED = [
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
    b"A: b\r\n\r\nC: d\r\n",
]
FRAMED_TWICE = [b"Content-Length: 5\r\nContent-Length: 5\r\n", b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"]


def objection(lines: bytes) -> tuple[str, bool]:
    raw = START + lines + b"\r\n"
    return llhttp_objection(raw, raw.count(b"\n") - 2, httptools.HttpRequestParser)


@pytest.mark.parametrize("lines", MALFORMED)
def test_malformed_lines_are_refused_by_the_grammar_and_by_strict_llhttp(lines: bytes) -> None:
    assert not are_field_lines(lines + b"\r\n", 0)
    assert PLAIN_LINES.fullmatch(lines + b"\r\n") is None
    assert objection(lines)[0]


@pytest.mark.parametrize("lines", FRAMED_TWICE)
def test_lines_that_are_fields_but_frame_twice_are_llhttps_to_refuse(lines: bytes) -> None:
    assert are_field_lines(lines + b"\r\n", 0)
    assert objection(lines)[0]


def test_what_the_grammar_takes_llhttp_takes() -> None:
    names = [b"%cA: b\r\n" % code for code in range(256)] + [b"A%c: b\r\n" % code for code in range(256)]
    values = [value % code for code in range(256) for value in (b"A:%c\r\n", b"A: b%c \r\n", b"A: b%cc\r\n")]
    taken = [lines for lines in names + values if are_field_lines(lines + b"\r\n", 0)]
    assert len(taken) == 77 + 78 + 3 * 224  # token characters, and a colon that ends a name; tab, visible and obs-text
    assert [lines for lines in taken if objection(lines) != ("", True)] == []


@pytest.mark.parametrize(("lines", "is_plain"), [(b"", True), (b"A-b: _\r\n", True), (b"A_b: c\r\n", False)])
def test_names_with_an_underscore_are_fields_but_not_plain(lines: bytes, is_plain: bool) -> None:
    raw = START + lines + b"\r\n"
    assert are_field_lines(raw, len(START))
    assert (PLAIN_LINES.fullmatch(raw, len(START)) is not None) is is_plain


def test_a_count_that_differs_from_the_lines_is_an_objection() -> None:
    reason, read_all = llhttp_objection(START + b"A: b\r\n\r\n", 2, httptools.HttpRequestParser)
    assert reason
    assert not read_all


def test_an_upgrade_is_no_objection() -> None:
    assert objection(b"Upgrade: h2c\r\nConnection: upgrade\r\n") == ("", True)
