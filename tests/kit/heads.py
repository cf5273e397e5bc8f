"""Generated heads: usual, odd and damaged; and the same head once more so that its reader must look closer."""

from hypothesis import strategies as st

from propylon.http.hop_by_hop import FORWARDED_NAMES, HOP_BY_HOP

LOOK_CLOSER = b"X_look_closer"  # a name with `_` is left to the careful: with it no head is plain

USUAL = [
    b"User-Agent: u/1 (x; y)\r\n",
    b"Accept:*/*\r\n",
    b"Content-Length: 5\r\n",
    b"Content-Length: 0\r\n",
    b"Connection: keep-alive\r\n",
    b"Cookie: host: a; content-length: 7\r\n",
    b"X: \t a  b \t\r\n",
    b"X:\r\n",
    b"x: \xe9\r\n",
]
_NAMES = sorted(
    HOP_BY_HOP
    | FORWARDED_NAMES
    | {b"host", b"content-length", b"expect", b"x-forwarded-for", b"x-forwarded-proto", b"x-forwardedfor"}
    | {b"x-propylon-client", b"x-ratelimit-limit", b"x-ratelimit-reset", b"x-tyk-authorization", b"proxy", b"x"}
)
_VALUES = [b"", b"h", b"5", b"0", b"05", b"+5", b"5, 5", b"keep-alive", b"Keep-Alive", b"close", b"x, host", b"upgrade"]
_VALUES += [
    b"keep-alive, content-length",
    b"chunked",
    b"websocket",
    b"100-continue",
    b"\xe9",
    b"a\tb",
    b"1.2.3.4",
    b",",
]
_BLANKS = [b"", b" ", b" ", b"\t", b" \t"]
_DAMAGE = [
    b"",
    b" ",
    b"\t",
    b"\r",
    b"\n",
    b"\r\n",
    b":",
    b",",
    b"\x00",
    b"\x7f",
    b"\xe9",
    b"a",
    b"0",
    b"_",
    b"-",
    b"\r\n ",
]


@st.composite
def _odd_lines(draw: st.DrawFn) -> bytes:
    """A field that says something of framing, hop or client, spelt one way or another."""
    name = draw(st.sampled_from(_NAMES))
    spelling = draw(st.sampled_from([name, name.title(), name.upper(), name.replace(b"-", b"_", 1), name + b"x"]))
    before, after = draw(st.sampled_from(_BLANKS)), draw(st.sampled_from(_BLANKS))
    return b"%b:%b%b%b\r\n" % (spelling, before, draw(st.sampled_from(_VALUES)), after)


@st.composite
def _heads(draw: st.DrawFn, starts: list[bytes]) -> bytes:
    """A start, usual lines, up to two odd ones, up to two places damaged."""
    lines = draw(st.lists(st.sampled_from(USUAL), max_size=4))
    lines += [draw(_odd_lines()) for _ in range(draw(st.integers(0, 2)))]
    data = draw(st.sampled_from(starts)) + b"".join(draw(st.permutations(lines))) + b"\r\n"
    for _ in range(draw(st.sampled_from([0, 0, 1, 2]))):
        at, length = draw(st.integers(1, len(data))), draw(st.integers(0, 2))
        data = data[:at] + draw(st.sampled_from(_DAMAGE)) + data[at + length :]
    return data.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"


def request_heads() -> st.SearchStrategy[bytes]:
    starts = [b"GET /a?b HTTP/1.1\r\nHost: h\r\n"] * 3
    starts += [b"POST http://h/x HTTP/1.1\r\nhOST:h:80\r\n", b"HEAD / HTTP/1.0\r\n", b"GET / HTTP/1.1\r\n"]
    return _heads(starts)


def response_heads() -> st.SearchStrategy[bytes]:
    starts = [b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"] * 3
    starts += [b"HTTP/1.1 404\r\n", b"HTTP/1.0 200 OK\r\n", b"HTTP/1.1 204 N\r\n", b"HTTP/1.1 101 S\r\n"]
    return _heads(starts)


def looked_closer_at(raw: bytes) -> bytes:
    """The same head, which no reader may judge by a few searches."""
    return b"%b%b: 1\r\n\r\n" % (raw[:-2], LOOK_CLOSER)
