"""A head is held until it ends, and never more of it than the limits let."""

import pytest

from propylon.errors import HeadTooLarge, MalformedRequest
from propylon.http.head_buffer import HeadBuffer
from propylon.http.limits import HeadLimits

LIMITS = HeadLimits(head_max_bytes=64, fields_max=3)


def buffer() -> HeadBuffer:
    return HeadBuffer(LIMITS, lambda data: None, MalformedRequest, HeadTooLarge)


def outcome(pieces: list[bytes]) -> object:
    held = buffer()
    try:
        for piece in pieces:
            if taken := held.take(piece):
                return taken
    except MalformedRequest as failure:
        return type(failure)
    return None


def bytewise(data: bytes) -> list[bytes]:
    return [data[at : at + 1] for at in range(len(data))]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"X\r\nA: b\r\n\r\n", 1),
        (b"X\r\n\r\n", 0),
        (b"X\r\n" + b"a:\r\n" * 3 + b"\r\n", 3),
        (b"X" * 60 + b"\r\n\r\n", 0),
        (b"X" * 61 + b"\r\n\r\n", HeadTooLarge),
        (b"X" * 64, HeadTooLarge),
        (b"X" * 63, None),
        (b"X\r\n" + b"a:\r\n" * 4, HeadTooLarge),
        (b"X\r\n" + b"a:\r\n" * 4 + b"\r\n", HeadTooLarge),
        (b"X\r\n" + b"a:\r\n" * 3, None),
        (b"X\nA: b", MalformedRequest),
        (b"X\r\nA: b\rc", MalformedRequest),
        (b"X\r\n\rY", MalformedRequest),
        (b"X\r\n" + b"a\n" * 9, MalformedRequest),
        (b"X\r\n" + b"a:\r\n" * 4 + b"a\n", HeadTooLarge),
        (b"X" * 80 + b"\n", HeadTooLarge),
    ],
)
def test_the_first_fault_decides_in_whatever_pieces(data: bytes, expected: object) -> None:
    if isinstance(expected, int):
        expected = (data, expected, b"")
    assert outcome([data]) == expected
    assert outcome(bytewise(data)) == expected


def test_what_follows_the_head_is_handed_back() -> None:
    assert outcome([b"X\r\n", b"\r\nrest\r\n\r\n"]) == (b"X\r\n\r\n", 0, b"rest\r\n\r\n")


def test_a_start_that_cannot_become_good_is_refused_at_once() -> None:
    def check(data: bytes) -> None:
        if data.startswith(b"\x16"):
            raise MalformedRequest("TLS")

    held = HeadBuffer(LIMITS, check, MalformedRequest, HeadTooLarge)
    with pytest.raises(MalformedRequest):
        held.take(b"\x16\x03")


def test_less_than_the_limit_is_ever_held() -> None:
    held = buffer()
    for piece in bytewise(b"X\r\nA: " + b"b" * 57):
        held.take(piece)
        assert len(held.held) < LIMITS.head_max_bytes


def test_a_head_is_checked_from_its_first_byte_whatever_came_before() -> None:
    held = buffer()
    assert held.take(b"X: " + b"x" * 40) is None
    assert held.take(b"\r\n\r\n") is not None
    with pytest.raises(MalformedRequest):
        held.take(b"Y\n")
