"""Bytes of our own answers."""

import pytest

from propylon.http.serialise import LAST_CHUNK, STATUS_LINES, chunk, head_bytes


def test_a_head_is_line_fields_and_empty_line() -> None:
    head = head_bytes(403, [(b"Content-Length", b"0"), (b"A", b"b")])
    assert head == b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nA: b\r\n\r\n"


def test_a_status_without_a_phrase_keeps_the_blank() -> None:
    assert head_bytes(299, []) == b"HTTP/1.1 299 \r\n\r\n"


def test_status_lines_stand_ready() -> None:
    assert STATUS_LINES[200] == b"HTTP/1.1 200 OK\r\n"


def test_chunks_carry_their_size_in_hexadecimal() -> None:
    assert chunk(b"x" * 26) + LAST_CHUNK == b"1a\r\n" + b"x" * 26 + b"\r\n0\r\n\r\n"


def test_an_empty_chunk_would_end_the_body() -> None:
    with pytest.raises(AssertionError):
        chunk(b"")
