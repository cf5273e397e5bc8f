"""Generated and damaged requests: read alike in any pieces, and never more leniently than h11 and strict llhttp."""

import h11
import httptools
from hypothesis import example, given, settings
from hypothesis import strategies as st

from propylon.errors import MalformedRequest
from propylon.http.limits import HeadLimits
from propylon.http.messages import END
from propylon.http.request_reader import RequestReader
from propylon.http.target import parse_target
from tests.kit.wire import Plain, fed, fed_every_way, split

LINES = [
    b"Host: h\r\n",
    b"Host: h2\r\n",
    b"host:H\r\n",
    b"Content-Length: 5\r\n",
    b"Content-Length: 0\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: gzip\r\n",
    b"Connection: close\r\n",
    b"Connection: keep-alive, X\r\n",
    b"Connection: Upgrade\r\nUpgrade: h2c\r\n",
    b"Expect: 100-continue\r\n",
    b"X-Empty:\r\n",
    b"X: \t a b \t\r\n",
    b"X: \xe9\r\n",
    b"Accept_: x\r\n",
]
STARTS = [b"GET /a?b", b"POST /%41//..", b"OPTIONS *", b"GET http://h/x", b"PUT /a|b", b"HEAD /;a"]
BODIES = [b"", b"hello", b"5\r\nhello\r\n0\r\n\r\n", b"1;a=b\r\nx\r\n0\r\nA: b\r\n\r\n", b"0\r\n\r\n"]
DAMAGE = [b"", b" ", b"\t", b"\r", b"\n", b"\r\n", b":", b",", b"\x00", b"\x7f", b"\xe9", b"a", b"0", b"_", b"\r\n "]


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """One request, then up to three places damaged by an insertion or a replacement."""
    start, body = draw(st.sampled_from(STARTS)), draw(st.sampled_from(BODIES))
    lines = draw(st.lists(st.sampled_from(LINES), max_size=4))
    framing = {BODIES[1]: LINES[3], BODIES[0]: b""}.get(body, LINES[5]) if draw(st.integers(0, 3)) else b""
    version = draw(st.sampled_from([b"1.1", b"1.1", b"1.0"]))
    data = b"%b HTTP/%b\r\nHost: h\r\n%b%b\r\n%b" % (start, version, framing, b"".join(lines), body)
    for _ in range(draw(st.integers(0, 3))):
        at, length = draw(st.integers(1, len(data))), draw(st.integers(0, 2))
        data = data[:at] + draw(st.sampled_from(DAMAGE)) + data[at + length :]
    return data


def ours(data: bytes) -> list[Plain]:
    return fed(RequestReader(HeadLimits()), [data])


def by_h11(data: bytes) -> tuple[h11.Request | None, bytes, bool]:
    """The first request, its body, and whether it ended."""
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 17)
    connection.receive_data(data)
    request, body = None, b""
    try:
        while isinstance(event := connection.next_event(), h11.Request | h11.Data):
            if isinstance(event, h11.Request):
                request = event
            else:
                body += event.data
    except h11.RemoteProtocolError:
        return request, body, False
    return request, body, isinstance(event, h11.EndOfMessage)


@settings(max_examples=400)
@given(requests(), st.lists(st.integers(0, 400), max_size=6))
def test_any_split_of_a_damaged_request_gives_the_same_events(data: bytes, places: list[int]) -> None:
    assert fed(RequestReader(HeadLimits()), split(data, places)) == fed_every_way(
        lambda: RequestReader(HeadLimits()), data
    )


@settings(max_examples=1000)
@given(requests())
@example(b"GET / HTTP/1.1\r\nHost: h\r\nX-Empty:\r\nY: z\r\n\r\n")
def test_what_we_accept_h11_accepts_with_the_same_meaning(data: bytes) -> None:
    events = ours(data)
    if not events or not isinstance(head := events[0], dict):
        return
    request, body, ended = by_h11(data.removeprefix(b"\r\n"))
    assert request is not None
    assert head["method"] == request.method.decode()
    assert (head["path"], head["query"]) == parse_target(request.target)[:2]
    assert [(name.lower(), value) for name, value in head["fields"]] == list(request.headers)
    assert f"1.{head['version_minor']}" == request.http_version.decode()
    if END in events:
        assert ended
        assert b"".join(event for event in events[1 : events.index(END)] if isinstance(event, bytes)) == body


@settings(max_examples=1000)
@given(requests())
def test_what_strict_llhttp_refuses_in_a_first_message_we_refuse(data: bytes) -> None:
    ended: list[bool] = []

    class Callbacks:
        def on_message_complete(self) -> None:
            ended.append(True)

    try:
        httptools.HttpRequestParser(Callbacks()).feed_data(data)
    except httptools.HttpParserUpgrade:
        return
    except httptools.HttpParserError:
        if not ended:
            assert END not in ours(data)


@given(st.binary(max_size=300))
def test_any_bytes_at_all_are_read_without_a_bug(data: bytes) -> None:
    reader = RequestReader(HeadLimits())
    events = reader.feed(data)
    assert all(isinstance(event, MalformedRequest) for event in events[-1:] if not reader.mid_message and event)
