"""Heads of our own answers and chunks as bytes. Writes what it is given; judging was done by whoever made it."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Final

from propylon.http.messages import Field

LAST_CHUNK: Final = b"0\r\n\r\n"
STATUS_LINES: Final = {
    status.value: b"HTTP/1.1 %d %b\r\n" % (status, status.phrase.encode("ascii")) for status in HTTPStatus
}


def chunk(piece: bytes) -> bytes:
    """One chunk; of nothing it would be the last one."""
    assert piece
    return b"%x\r\n%b\r\n" % (len(piece), piece)


def head_bytes(status: int, fields: Iterable[Field]) -> bytes:
    """Status line, fields, empty line."""
    line = STATUS_LINES.get(status) or b"HTTP/1.1 %d \r\n" % status
    return line + b"".join([b"%b: %b\r\n" % field for field in fields]) + b"\r\n"
