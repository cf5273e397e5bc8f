"""An upstream's bytes as the events of one answer."""

import h11
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from propylon.errors import UpstreamReset
from propylon.http.limits import HeadLimits
from propylon.http.messages import END
from propylon.http.response_reader import ResponseReader
from tests.kit.wire import Plain, fed, fed_every_way, plain, split

COUNTED = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\nX: y\r\n\r\n"
OPEN = b"HTTP/1.1 200 OK\r\n\r\nhello"
EMPTY = b"HTTP/1.1 204 No Content\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"


def reader(*, head_request: bool = False) -> ResponseReader:
    reader = ResponseReader(HeadLimits())
    reader.begin(head_request=head_request)
    return reader


def brief(events: list[Plain]) -> list[object]:
    """Heads by their status."""
    return [event["status"] if isinstance(event, dict) else event for event in events]


@pytest.mark.parametrize(
    ("data", "events"),
    [
        (COUNTED, [200, b"hello", END]),
        (CHUNKED, [200, b"hello", END]),
        (EMPTY, [204, END]),
        (OPEN, [200, b"hello"]),
        (CONTINUE + COUNTED, [200, b"hello", END]),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", [200, END]),
        (COUNTED[:-1], [200, b"hell"]),
        (CHUNKED[:-2], [200, b"hello"]),
        (CHUNKED.replace(b"\r\n3\r\n", b"\r\nx\r\n"), [200, b"he", "malformed_response"]),
        (b"HTTP/1.1 200 OK\nContent-Length: 0\n\n", ["malformed_response"]),
        (b"220 smtp.example ESMTP\r\n", ["malformed_response"]),
        (b"HTTP/1.1 200 OK\r\nX: " + b"a" * 40_000, ["malformed_response"]),
        (b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 120 + b"\r\n", ["malformed_response"]),
    ],
)
def test_events_are_the_same_whatever_the_pieces(data: bytes, events: list[object]) -> None:
    whole = fed(reader(), [data])
    assert brief(whole)[-1] == events[-1]
    bytewise = brief(fed_every_way(reader, data) if END in events else fed(reader(), split(data, range(50_000))))
    assert bytewise == events


def test_an_answer_to_head_ends_with_its_head() -> None:
    one = reader(head_request=True)
    assert brief(fed(one, [COUNTED[:-5]])) == [200, END]
    assert (one.done, one.surplus) == (True, False)


def test_bytes_behind_the_answer_answer_nothing() -> None:
    for pieces in ([COUNTED + b"H"], [COUNTED, b"H"]):
        one = reader()
        assert brief(fed(one, pieces)) == [200, b"hello", END]
        assert (one.done, one.surplus) == (True, True)


def test_bytes_behind_a_101_are_the_tunnels() -> None:
    for pieces in ([SWITCHING + b"\x81\x00"], [SWITCHING, b"\x81", b"\x00"]):
        one = reader()
        assert brief(fed(one, pieces)) == [101]
        assert (one.done, one.rest, one.eof()) == (False, b"\x81\x00", [])


def test_the_end_of_the_connection_ends_an_open_body() -> None:
    one = reader()
    fed(one, [OPEN])
    assert not one.done
    assert one.eof() == [END]
    assert one.done
    assert one.eof() == []


@pytest.mark.parametrize("data", [b"", b"HTTP/1.1 2", CONTINUE, COUNTED[:-1], CHUNKED[:-1]])
def test_the_end_of_the_connection_is_too_early_for_anything_else(data: bytes) -> None:
    one = reader()
    fed(one, [data])
    assert plain(one.eof()) == [UpstreamReset.code]
    assert not one.done


def test_nothing_comes_after_the_end_or_a_failure() -> None:
    ended, broken = reader(), reader()
    fed(ended, [COUNTED])
    assert ended.eof() == []
    fed(broken, [b"garbage"])
    assert (broken.feed(COUNTED), broken.eof(), broken.done) == ([], [], False)


PARTS = [
    b"HTTP/1.1 200 OK\r\n",
    b"HTTP/1.0 200 OK\r\n",
    b"HTTP/1.1 304 X\r\n",
    b"Content-Length: 5\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Connection: close\r\n",
    b"A: \xe9 b \r\n",
    b"\r\n",
    b"\r\n",
    b"hello",
    b"5\r\nhello\r\n0\r\n\r\n",
    b"\n",
    b" ",
]


@settings(max_examples=600)
@given(st.sampled_from(PARTS[:3]), st.lists(st.sampled_from(PARTS[3:]), max_size=7), st.lists(st.integers(0, 99)))
def test_what_we_accept_h11_accepts_with_the_same_meaning(line: bytes, parts: list[bytes], places: list[int]) -> None:
    data = line + b"".join(parts)
    events = fed(reader(), split(data, places))
    assert events == fed_every_way(reader, data)
    if not events or not isinstance(head := events[0], dict) or END not in events:
        return
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="GET", target="/", headers=[("Host", "h")]))
    connection.receive_data(data)
    answer = connection.next_event()
    assert isinstance(answer, h11.Response)
    assert (head["status"], head["reason"]) == (answer.status_code, answer.reason)
    assert [(name.lower(), value) for name, value in head["fields"]] == list(answer.headers)
    body = b""
    while isinstance(event := connection.next_event(), h11.Data):
        body += event.data
    assert isinstance(event, h11.EndOfMessage)
    assert b"".join(event for event in events[1 : events.index(END)] if isinstance(event, bytes)) == body


@pytest.mark.parametrize("head_request", [False, True])
@pytest.mark.parametrize(
    "second", [COUNTED, COUNTED.replace(b"5", b"3"), CHUNKED, EMPTY, OPEN, b"HTTP/1.1 nonsense\r\n\r\n"]
)
def test_an_answer_is_judged_the_same_whatever_came_before_it(second: bytes, head_request: bool) -> None:
    used = reader()
    used.feed(COUNTED)
    used.begin(head_request=head_request)
    assert fed(used, [second]) == fed(reader(head_request=head_request), [second])
