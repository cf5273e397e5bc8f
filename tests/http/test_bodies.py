"""Where a body ends, byte for byte."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from propylon.errors import MalformedRequest
from propylon.http.bodies import ChunkedBody, CountedBody
from propylon.http.limits import HeadLimits
from tests.kit.wire import split

LIMITS = HeadLimits(chunk_extension_max_bytes=32, trailers_max_bytes=64)


def read(pieces: list[bytes]) -> tuple[bytes, bytes, bool]:
    """Data, what follows, and whether the body ended."""
    body = ChunkedBody(LIMITS, MalformedRequest)
    data: list[bytes] = []
    rest = b""
    for piece in pieces:
        rest = rest + piece if body.done else body.take(piece, data)
    return b"".join(data), rest, body.done


@pytest.mark.parametrize(
    ("raw", "data"),
    [
        (b"0\r\n\r\n", b""),
        (b"5\r\nhello\r\n0\r\n\r\n", b"hello"),
        (b"00A\r\n0123456789\r\n1\r\n\n\r\n000\r\n\r\n", b"0123456789\n"),
        (b"2\r\n\r\n\r\n0\r\n\r\n", b"\r\n"),
        (b'1;a;b=c;d="e; \\" f"\r\nx\r\n0;z\r\n\r\n', b"x"),
        (b"0\r\nAuthorization: Bearer x\r\nHost: y\r\n\r\n", b""),
    ],
)
def test_a_body_ends_where_it_says_in_whatever_pieces(raw: bytes, data: bytes) -> None:
    assert read([raw]) == (data, b"", True)
    assert read(split(raw, range(len(raw)))) == (data, b"", True)
    assert read([raw + b"GET /"]) == (data, b"GET /", True)


BAD = [
    b"0x1\r\nx\r\n",
    b"1_0\r\n",
    b"-1\r\n",
    b"+1\r\nx\r\n",
    b"00000000000000001\r\nx\r\n",
    b"\r\n",
    b"g\r\n",
    b" 1\r\nx\r\n",
    b"1 \r\nx\r\n",
    b"1\nx\r\n",
    b"1\r\nx\n",
    b"1\r\nxy\r\n",
    b"1\r\nx\r0\r\n",
    b"1;\r\nx\r\n",
    b"1;a\rb\r\nx\r\n",
    b"1;a\nb\r\nx\r\n",
    b'1;a="\x00"\r\nx\r\n',
    b"1;" + b"a" * 60 + b"\r\nx\r\n",
    b"0\r\nA: b\n\r\n",
    b"0\r\n A: b\r\n\r\n",
    b"0\r\nA : b\r\n\r\n",
    b"0\r\nA: \x00\r\n\r\n",
    b"0\r\nno colon\r\n\r\n",
    b"0\r\n\rX",
    b"0\r\n" + b"A: b\r\n" * 20 + b"\r\n",
    b"0\r\nA: " + b"b" * 80,
    b"1;" + b"a" * 80,
]


@pytest.mark.parametrize("raw", BAD)
def test_a_body_framed_in_any_other_way_is_refused_whole_or_in_bytes(raw: bytes) -> None:
    for pieces in ([raw], split(raw, range(len(raw)))):
        with pytest.raises(MalformedRequest):
            read(pieces)


@given(st.lists(st.binary(min_size=1, max_size=9)), st.lists(st.integers(0, 200), max_size=6))
def test_data_comes_out_as_it_went_in_for_any_split(chunks: list[bytes], places: list[int]) -> None:
    raw = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
    assert read(split(raw, places)) == (b"".join(chunks), b"", True)


@given(st.lists(st.sampled_from([b"1", b"\r", b"\n", b"\r\n", b";", b"a", b"0", b"A: b"]), max_size=14))
def test_any_bytes_are_read_alike_whole_and_byte_by_byte(parts: list[bytes]) -> None:
    raw = b"".join(parts)

    def outcome(pieces: list[bytes]) -> object:
        try:
            return read(pieces)
        except MalformedRequest:
            return "refused"

    data_whole, data_split = outcome([raw]), outcome(split(raw, range(len(raw))))
    assert data_whole == data_split


def test_what_stands_before_a_fault_is_handed_out() -> None:
    data: list[bytes] = []
    with pytest.raises(MalformedRequest):
        ChunkedBody(LIMITS, MalformedRequest).take(b"1\r\nx\r\ng\r\n", data)
    assert data == [b"x"]


def test_a_counted_body_ends_at_its_count() -> None:
    body, data = CountedBody(3), list[bytes]()
    assert (body.take(b"ab", data), body.done) == (b"", False)
    assert (body.take(b"cde", data), body.done) == (b"de", True)
    assert data == [b"ab", b"c"]
