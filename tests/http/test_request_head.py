"""What a head must be for two readers to see one request, and what it means then."""

import pytest

from propylon.errors import CodingNotServed, Failure, HeadTooLarge, MalformedRequest
from propylon.http.limits import HeadLimits
from propylon.http.messages import RequestHead
from propylon.http.request_head import parse_request_head

LIMITS = HeadLimits()


def judged(lines: bytes, start: bytes = b"GET / HTTP/1.1") -> RequestHead:
    raw = b"%b\r\n%b\r\n" % (start, lines)
    return parse_request_head(raw, raw.count(b"\n") - 2, LIMITS)


def hosted(lines: bytes, start: bytes = b"POST / HTTP/1.1") -> RequestHead:
    return judged(b"Host: a\r\n" + lines, start)


def refusal(lines: bytes, start: bytes) -> type[Failure]:
    with pytest.raises(MalformedRequest) as caught:
        judged(lines, start)
    return caught.type


def test_a_usual_request_is_understood() -> None:
    head = judged(b"hOST: A:80\r\nAccept: x\r\nACCEPT: y \r\n", b"GET /a//%7e?q HTTP/1.1")
    assert (head.method, head.path, head.query, head.host) == ("GET", "/a/~", "q", "a:80")
    assert head.fields == [(b"hOST", b"A:80"), (b"Accept", b"x"), (b"ACCEPT", b"y")]
    assert (head.passing, head.connection_names) == (b"Accept: x\r\nACCEPT: y \r\n", frozenset())
    assert (head.body_length, head.keep_alive, head.expects_continue) == (0, True, False)
    assert (head.upgrade, head.version_minor) == (b"", 1)


@pytest.mark.parametrize("lines", [b"", b"Host: a\r\nHost: a\r\n", b"Host: a,b\r\n", b"Host: \r\n", b"Host: u@a\r\n"])
def test_a_request_names_exactly_one_host(lines: bytes) -> None:
    assert refusal(lines, b"GET / HTTP/1.1") is MalformedRequest


def test_an_http_1_0_request_may_do_without_host_but_not_with_two() -> None:
    assert judged(b"", b"GET / HTTP/1.0").host == ""
    assert refusal(b"Host: a\r\nHost: b\r\n", b"GET / HTTP/1.0") is MalformedRequest


def test_an_absolute_form_that_agrees_with_host_is_served() -> None:
    head = judged(b"Host: a.example\r\n", b"GET http://A.Example/x?y HTTP/1.1")
    assert (head.path, head.query, head.host) == ("/x", "y", "a.example")


@pytest.mark.parametrize(
    ("start", "lines"),
    [
        (b"GET http://b/x HTTP/1.1", b"Host: a\r\n"),
        (b"GET http://a:80/x HTTP/1.1", b"Host: a\r\n"),
        (b"GET http://u@a/x HTTP/1.1", b"Host: a\r\n"),
        (b"GET http://a/x HTTP/1.0", b""),
        (b"GET http://a/x HTTP/1.1", b""),
        (b"OPTIONS * HTTP/1.1", b"Host: a\r\n"),
    ],
)
def test_a_target_of_another_host_or_of_none_is_refused(start: bytes, lines: bytes) -> None:
    assert refusal(lines, start) is MalformedRequest


@pytest.mark.parametrize(
    ("lines", "length"),
    [
        (b"Content-Length: 5\r\n", 5),
        (b"content-length:005 \r\n", 5),
        (b"Content-Length: 0\r\n", 0),
        (b"Content-Length: 999999999999999999\r\n", 10**18 - 1),
        (b"Transfer-Encoding: chunked\r\n", None),
        (b"transfer-encoding: Chunked \r\n", None),
        (b"", 0),
    ],
)
def test_the_framing_has_one_reading(lines: bytes, length: int | None) -> None:
    assert hosted(lines).body_length == length
    assert hosted(lines, b"GET / HTTP/1.1").body_length == length


@pytest.mark.parametrize(
    ("lines", "failure"),
    [
        (b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", MalformedRequest),
        (b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", MalformedRequest),
        (b"Content-Length: 5\r\nContent-Length: 5\r\n", MalformedRequest),
        (b"Content-Length: 5\r\nContent-Length: 6\r\n", MalformedRequest),
        (b"Content-Length: 5, 5\r\n", MalformedRequest),
        (b"Content-Length: +5\r\n", MalformedRequest),
        (b"Content-Length: -5\r\n", MalformedRequest),
        (b"Content-Length: 0x5\r\n", MalformedRequest),
        (b"Content-Length: 5_0\r\n", MalformedRequest),
        (b"Content-Length: \r\n", MalformedRequest),
        (b"Content-Length: 18446744073709551616\r\n", MalformedRequest),
        (b"Content-Length: 9223372036854775808\r\n", MalformedRequest),
        (b"Transfer-Encoding: ,chunked\r\n", MalformedRequest),
        (b"Transfer-Encoding: \r\n", MalformedRequest),
        (b"Transfer-Encoding: chunked, chunked\r\n", MalformedRequest),
        (b"Transfer-Encoding: chunked;a\r\n", MalformedRequest),
        (b"Transfer-Encoding: chun\xe9ked\r\n", MalformedRequest),
        (b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", MalformedRequest),
        (b"Transfer-Encoding: xchunked\r\n", CodingNotServed),
        (b"Transfer-Encoding: gzip, chunked\r\n", CodingNotServed),
        (b"Transfer-Encoding: identity\r\n", CodingNotServed),
        (b"Transfer-Encoding : chunked\r\n", MalformedRequest),
        (b" Transfer-Encoding: chunked\r\n", MalformedRequest),
        (b"\tTransfer-Encoding: chunked\r\n", MalformedRequest),
        (b"Transfer-Encoding:\x0bchunked\r\n", MalformedRequest),
        (b"Transfer-Encoding: \x01chunked\r\n", MalformedRequest),
        (b"Transfer-Encoding:\r\n chunked\r\n", MalformedRequest),
    ],
)
def test_framing_with_two_readings_is_refused(lines: bytes, failure: type[Failure]) -> None:
    assert refusal(b"Host: a\r\n" + lines, b"POST / HTTP/1.1") is failure


def test_a_coding_in_http_1_0_is_refused() -> None:
    assert refusal(b"Transfer-Encoding: chunked\r\n", b"POST / HTTP/1.0") is MalformedRequest


@pytest.mark.parametrize(
    "name",
    [
        b"Content_Length",
        b"transfer_encoding",
        b"TRANSFER_ENCODING",
        b"X_Tyk-Authorization",
        b"x_tyk_authorization",
    ],
)
def test_a_name_that_some_upstream_takes_for_a_framing_or_credential_field_is_refused(name: bytes) -> None:
    assert refusal(b"Host: a\r\n%b: 1\r\n" % name, b"GET / HTTP/1.1") is MalformedRequest


def test_other_names_with_underscores_pass() -> None:
    assert hosted(b"X_User: 1\r\n").value(b"x_user") == b"1"


@pytest.mark.parametrize(
    ("lines", "start", "keep_alive"),
    [
        (b"", b"GET / HTTP/1.1", True),
        (b"Connection: keep-alive\r\n", b"GET / HTTP/1.1", True),
        (b"Connection: Close\r\n", b"GET / HTTP/1.1", False),
        (b"Connection: x\r\nConnection: y, close\r\n", b"GET / HTTP/1.1", False),
        (b"Connection: keep-alive, close\r\n", b"GET / HTTP/1.1", False),
        (b"", b"GET / HTTP/1.0", False),
        (b"Connection: Keep-Alive\r\n", b"GET / HTTP/1.0", True),
        (b"Connection: keep-alive, close\r\n", b"GET / HTTP/1.0", False),
    ],
)
def test_the_connection_persists_as_the_rfc_says(lines: bytes, start: bytes, keep_alive: bool) -> None:
    assert hosted(lines, start).keep_alive is keep_alive


def test_listed_names_become_hop_by_hop_but_never_those_that_frame() -> None:
    head = hosted(b"Connection: X-A, Authorization, Content-Length\r\nConnection: host, close, x-b\r\n")
    assert head.connection_names == {b"x-a", b"authorization", b"x-b"}


@pytest.mark.parametrize(
    ("lines", "start", "expects"),
    [
        (b"Expect: 100-Continue\r\nContent-Length: 1\r\n", b"POST / HTTP/1.1", True),
        (b"Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n", b"POST / HTTP/1.1", True),
        (b"Expect: 100-continue\r\n", b"POST / HTTP/1.1", False),
        (b"Expect: 100-continue\r\nContent-Length: 1\r\n", b"POST / HTTP/1.0", False),
    ],
)
def test_only_a_client_that_waits_with_a_body_expects(lines: bytes, start: bytes, expects: bool) -> None:
    assert hosted(lines, start).expects_continue is expects


@pytest.mark.parametrize("lines", [b"Expect: x\r\n", b"Expect: \r\n", b"Expect: 100-continue\r\nExpect: x\r\n"])
def test_other_expectations_are_refused(lines: bytes) -> None:
    assert refusal(b"Host: a\r\n" + lines, b"POST / HTTP/1.1") is MalformedRequest


def test_a_websocket_may_become_a_tunnel_and_ends_the_connection_otherwise() -> None:
    head = hosted(b"Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n", b"GET / HTTP/1.1")
    assert (head.upgrade, head.keep_alive) == (b"websocket", False)


@pytest.mark.parametrize(
    ("lines", "start"),
    [
        (b"Connection: Upgrade\r\nUpgrade: h2c\r\n", b"GET / HTTP/1.1"),
        (b"Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n", b"GET / HTTP/1.1"),
        (b"Connection: Upgrade\r\nUpgrade: websocket\r\nUpgrade: h2c\r\n", b"GET / HTTP/1.1"),
        (b"Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 3\r\n", b"GET / HTTP/1.1"),
        (b"Connection: Upgrade\r\nUpgrade: websocket\r\n", b"POST / HTTP/1.1"),
        (b"Upgrade: websocket\r\n", b"GET / HTTP/1.1"),
        (b"Connection: Upgrade\r\n", b"GET / HTTP/1.1"),
        (b"Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n", b"GET / HTTP/1.0"),
    ],
)
def test_any_other_upgrade_is_an_ordinary_request(lines: bytes, start: bytes) -> None:
    head = hosted(lines, start)
    assert (head.upgrade, head.keep_alive) == (b"", True)


def test_head_limits_have_their_own_status() -> None:
    assert HeadTooLarge.status == 431
