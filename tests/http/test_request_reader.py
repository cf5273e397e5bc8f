"""A client's bytes as events: ends of messages byte-exact, nothing held beyond the limits."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from propylon.errors import HeadTooLarge
from propylon.http.limits import HeadLimits
from propylon.http.messages import END, RequestHead
from propylon.http.request_reader import RequestReader
from tests.kit.wire import Plain, fed, fed_every_way, split

GET = b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
POST = b"POST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\nX: y\r\n\r\n"
UPGRADE = b"GET /d HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
H2C = b"GET /e HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
H2C_WITH_BODY = H2C[:-2] + b"Content-Length: 3\r\n\r\nabc"
LAST = b"GET /f HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"


def reader() -> RequestReader:
    return RequestReader(HeadLimits())


def brief(events: list[Plain]) -> list[object]:
    """Heads by their path."""
    return [event["path"] if isinstance(event, dict) else event for event in events]


@pytest.mark.parametrize(
    ("data", "events"),
    [
        (GET, ["/a", END]),
        (POST, ["/b", b"hello", END]),
        (CHUNKED, ["/c", b"hello", END]),
        (H2C, ["/e", END]),
        (H2C_WITH_BODY, ["/e", b"abc", END]),
        (b"\r\n" + GET, ["/a", END]),
        (GET + b"\r\n" + POST + b"\r\n" + GET, ["/a", END, "/b", b"hello", END, "/a", END]),
        (CHUNKED + H2C_WITH_BODY + CHUNKED, ["/c", b"hello", END, "/e", b"abc", END, "/c", b"hello", END]),
    ],
)
def test_events_are_the_same_whatever_the_pieces(data: bytes, events: list[object]) -> None:
    assert brief(fed_every_way(reader, data, trailing=GET)) == events


def test_a_request_smuggled_as_a_body_is_a_body() -> None:
    smuggled = b"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % len(GET) + GET
    assert brief(fed_every_way(reader, smuggled)) == ["/", GET, END]


def test_trailers_are_dropped_and_the_head_stays_what_it_was() -> None:
    data = CHUNKED.replace(b"X: y", b"Authorization: x\r\nHost: evil\r\nContent-Length: 7")
    events = fed_every_way(reader, data)
    assert isinstance(events[0], dict)
    assert events[0]["fields"] == [(b"Host", b"h"), (b"Transfer-Encoding", b"chunked")]


def test_nothing_is_read_after_the_last_request() -> None:
    assert brief(fed_every_way(reader, LAST + GET + b"\x00")) == ["/f", END]
    assert brief(fed_every_way(reader, POST.replace(b"HTTP/1.1", b"HTTP/1.0") + GET)) == ["/b", b"hello", END]


def test_nothing_is_read_after_a_failure() -> None:
    assert brief(fed_every_way(reader, GET + b"GET  / HTTP/1.1\r\n" + GET)) == ["/a", END, "malformed_request"]


@pytest.mark.parametrize(
    ("data", "events"),
    [
        (b"\r\n\r\n" + GET, ["malformed_request"]),
        (b"\rX" + GET, ["malformed_request"]),
        (b"\n" + GET, ["malformed_request"]),
        (b"\x16\x03\x01\x02", ["malformed_request"]),
        (b"GET /\r\n", ["malformed_request"]),
        (b"GET / HTTP/1.1\r\nHost: h\n\n", ["malformed_request"]),
        (b"GET / HTTP/1.1\r\nHost: h\r\n\rX", ["malformed_request"]),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", ["version_not_served"]),
        (CHUNKED.replace(b"\r\n2\r\n", b"\r\n0x2\r\n"), ["/c", "malformed_request"]),
        (b"GET /" + b"a" * 100_000, ["target_too_long"]),
        (b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"a" * 1_000_000, ["head_too_large"]),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 10_000 + b"\r\n", ["head_too_large"]),
    ],
)
def test_bytes_that_cannot_become_a_request_are_refused_without_waiting(data: bytes, events: list[object]) -> None:
    whole = fed(reader(), [data])
    assert brief(whole) == events
    assert fed(reader(), split(data, range(40_000))) == whole


def test_bytes_behind_an_upgrade_are_the_tunnels_and_no_request() -> None:
    for pieces in ([UPGRADE + GET], [UPGRADE, GET], split(UPGRADE + GET, range(200))):
        one = reader()
        assert brief(fed(one, pieces)) == ["/d", END]
        assert one.rest == GET
        assert not one.mid_message


def test_what_comes_early_for_a_tunnel_is_bounded() -> None:
    one = reader()
    fed(one, [UPGRADE])
    assert fed(one, [b"x" * 30_000, b"x" * 30_000]) == ["malformed_request"]
    assert one.rest == b""


@pytest.mark.parametrize(
    ("pieces", "mid_message"),
    [
        ([b""], False),
        ([b"G"], True),
        ([GET[:-1]], True),
        ([GET], False),
        ([GET + b"\r\n"], False),
        ([POST[:-1]], True),
        ([POST], False),
        ([CHUNKED[:-2]], True),
        ([CHUNKED], False),
        ([LAST + b"GET"], False),
        ([b"\x00"], False),
        ([GET[:-1], b"X"], False),
        ([CHUNKED[:-2], b"\n"], False),
    ],
)
def test_a_client_that_owes_bytes_is_told_from_an_idle_one(pieces: list[bytes], mid_message: bool) -> None:
    one = reader()
    fed(one, pieces)
    assert one.mid_message is mid_message


def test_a_head_of_exactly_the_limits_passes() -> None:
    limits = HeadLimits(target_max_bytes=50, head_max_bytes=600, fields_max=20)
    start = b"GET /" + b"a" * 49 + b" HTTP/1.1\r\nHost: h\r\n" + b"A: b\r\n" * 18
    data = start + b"Z: " + b"z" * (600 - len(start) - 7) + b"\r\n\r\n"
    assert len(fed_every_way(lambda: RequestReader(limits), data)) == 2
    assert fed_every_way(lambda: RequestReader(limits), data.replace(b"Z: ", b"Z: z")) == ["head_too_large"]
    assert fed_every_way(lambda: RequestReader(limits), data.replace(b"Z: z", b"C: \r\nD:")) == ["head_too_large"]
    assert fed_every_way(lambda: RequestReader(limits), data.replace(b"/a", b"/aa")) == ["target_too_long"]


@given(
    st.lists(st.sampled_from([GET, POST, CHUNKED, UPGRADE, H2C_WITH_BODY, LAST, b"\r\n", b"\r", b"\n", b"X"])),
    st.lists(st.integers(0, 2000), max_size=8),
)
def test_any_split_of_any_pipeline_gives_the_same_events(messages: list[bytes], places: list[int]) -> None:
    data = b"".join(messages)
    assert fed(reader(), split(data, places)) == fed_every_way(reader, data)


@pytest.mark.parametrize(
    "start",
    [b"", b"GET /", b"GET / HTTP/1.1\r\nX: ", UPGRADE, LAST, POST[:-5], CHUNKED[:-5], CHUNKED[:-21] + b"0;"],
    ids=["start", "target", "field", "tunnel", "last", "body", "trailer", "extension"],
)
def test_a_client_that_never_ends_anything_costs_no_memory(start: bytes) -> None:
    one = reader()
    fed(one, [start])
    tracemalloc.start()
    for _ in range(2000):
        one.feed(b"a" * 512)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 2 * HeadLimits().head_max_bytes


LINES = (
    b"Host: h\r\n",
    b"Host: h\r\nContent-Length: 3\r\n",
    b"Host: h\r\nConnection: keep-alive\r\nX-A: 1\r\n",
    b"Host: h\r\nConnection: close\r\n",
    b"Host: h\r\nTransfer-Encoding: chunked\r\n",
    b"X-A: 1\r\n",
    b"",
)
FIRST_LINES = (
    b"GET /x HTTP/1.1\r\n",
    b"POST /y/../z?q=1 HTTP/1.1\r\n",
    b"GET /old HTTP/1.0\r\n",
    b"GET http://h/absolute HTTP/1.1\r\n",
    b"GET http://other/ HTTP/1.1\r\n",
    b"GET /%2f HTTP/1.1\r\n",
    b"GET  /two-blanks HTTP/1.1\r\n",
    b"GET /bare-lf HTTP/1.1\n",
    b"BREW / HTTP/1.1\r\n",
    b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n",
)


@pytest.mark.parametrize("first_line", FIRST_LINES)
@pytest.mark.parametrize("lines", LINES)
@pytest.mark.parametrize("lines_before", LINES[:3])
def test_lines_that_repeat_are_judged_as_if_they_came_for_the_first_time(
    lines_before: bytes, lines: bytes, first_line: bytes
) -> None:
    before = b"POST /before HTTP/1.1\r\n" + lines_before + b"\r\n" + (b"abc" if b"Length" in lines_before else b"")
    request = first_line + lines + b"\r\nabc"
    used = reader()
    used.feed(before)
    assert fed(used, [request]) == fed(reader(), [request])


@given(
    st.lists(st.sampled_from([GET, GET[:-1], GET[:-2], b"\n", b"\r\n", POST, CHUNKED, LAST, UPGRADE, b""]), max_size=8)
)
def test_bytes_that_come_again_are_read_as_if_they_came_for_the_first_time(pieces: list[bytes]) -> None:
    assert fed(reader(), pieces) == fed_every_way(reader, b"".join(pieces))


def test_a_repeated_head_has_looked_up_values_of_its_own_lines_only() -> None:
    used = reader()
    (first, _) = used.feed(b"GET /a HTTP/1.1\r\nHost: h\r\nX-A: 1\r\n\r\n")
    assert isinstance(first, RequestHead)
    assert first.value(b"x-a") == b"1"
    (second, _) = used.feed(b"GET /b HTTP/1.1\r\nHost: h\r\nX-A: 2\r\n\r\n")
    assert isinstance(second, RequestHead)
    assert second.value(b"x-a") == b"2"


def test_repeated_lines_do_not_lift_the_limit_of_a_head() -> None:
    used = RequestReader(HeadLimits(head_max_bytes=60))
    used.feed(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
    (refused,) = used.feed(b"GET /" + b"a" * 40 + b" HTTP/1.1\r\nHost: h\r\n\r\n")
    assert isinstance(refused, HeadTooLarge)
