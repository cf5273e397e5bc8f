"""A head judged by a few searches means what it means when llhttp reads it and every field is looked at."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from propylon.errors import Failure
from propylon.http.limits import HeadLimits
from propylon.http.messages import RequestHead, ResponseHead
from propylon.http.request_head import parse_request_head
from propylon.http.response_head import parse_response_head
from tests.kit.heads import LOOK_CLOSER, looked_closer_at, request_heads, response_heads

Heads = st.SearchStrategy[bytes]
Parse = Callable[[bytes], RequestHead | ResponseHead]


def request(raw: bytes) -> RequestHead:
    return parse_request_head(raw, raw.count(b"\n") - 2, HeadLimits())


def response(raw: bytes) -> ResponseHead:
    return parse_response_head(raw, raw.count(b"\n") - 2, head_request=False)


KINDS = pytest.mark.parametrize(("heads", "parse"), [(request_heads(), request), (response_heads(), response)])


def meaning(parse: Parse, raw: bytes) -> dict[str, Any] | type[Failure]:
    """All that was judged, or why it was refused; without the line that has it looked at more closely."""
    try:
        head = parse(raw)
    except Failure as failure:
        return type(failure)
    judged = {name: getattr(head, name) for name in head.__slots__ if name != "passing"}
    return judged | {"fields": [field for field in head.fields if field[0] != LOOK_CLOSER]}


def way(parse: Parse, raw: bytes) -> str:
    """How a head was judged."""
    try:
        return "careful" if parse(raw).passing is None else "plain"
    except Failure:
        return "refused"


@KINDS
def test_looking_closer_changes_no_judgement(heads: Heads, parse: Parse) -> None:
    @settings(max_examples=600)
    @given(heads)
    def holds(raw: bytes) -> None:
        assert meaning(parse, raw) == meaning(parse, looked_closer_at(raw))
        assert way(parse, looked_closer_at(raw)) != "plain"

    holds()


@KINDS
@pytest.mark.parametrize("wanted", ["plain", "careful", "refused"])
def test_the_generated_heads_are_of_every_kind(heads: Heads, parse: Parse, wanted: str) -> None:
    assert find(heads, lambda raw: way(parse, raw) == wanted)


@pytest.mark.parametrize(
    ("lines", "passing"),
    [
        (b"", b""),
        (b"Accept: x\r\nX:\t\xe9 a\tb \r\n", b"Accept: x\r\nX:\t\xe9 a\tb \r\n"),
        (b"A: b\r\nCONTENT-LENGTH:5\r\nB: c\r\nconnection: Keep-Alive\r\nC: d\r\n", b"A: b\r\nB: c\r\nC: d\r\n"),
        (
            b"Hosts: a\r\nConnections: close\r\nTea: x\r\nProxies: y\r\n",
            b"Hosts: a\r\nConnections: close\r\nTea: x\r\nProxies: y\r\n",
        ),
        (b"X: upgrade: y\r\nY: te:\r\n", b"X: upgrade: y\r\nY: te:\r\n"),
    ],
)
def test_a_plain_request_travels_on_as_it_came_without_the_lines_we_write(lines: bytes, passing: bytes) -> None:
    for raw in (b"GET / HTTP/1.1\r\nHost: h\r\n%b\r\n", b"GET / HTTP/1.1\r\n%bhost: h\r\n\r\n"):
        assert request(raw % lines).passing == passing


@pytest.mark.parametrize(
    "lines",
    [
        b"Connection: close\r\n",
        b"Connection:\r\n",
        b"Connection: keep-alive, x\r\n",
        b"Connection: keep-alive\r\nConnection: keep-alive\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Expect: 100-continue\r\nContent-Length: 1\r\n",
        b"X_A: 1\r\n",
        b"tE:\r\n",
        b"PROXY-X: 1\r\n",
        b"X-Forwarded-Anything: 1\r\n",
        b"X-Propylon-Client: 1\r\n",
    ],
)
def test_a_request_that_says_more_has_every_field_looked_at(lines: bytes) -> None:
    assert request(b"GET / HTTP/1.1\r\nHost: h\r\n%b\r\n" % lines).passing is None


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 204 N\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 304 N\r\nContent-Length: 5\r\n\r\n",
        b"HTTP/1.1 103 Early\r\nContent-Length: 5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nx-RateLimit-Limit: 1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nKeep-Alive: timeout=5\r\n\r\n",
    ],
)
def test_an_answer_that_says_more_has_every_field_looked_at(raw: bytes) -> None:
    assert response(raw).passing is None


def test_a_plain_answer_passes_without_what_it_says_of_its_connection() -> None:
    raw = b"HTTP/1.1 200 OK\r\nServer: x\r\nConnection: keep-alive\r\ncontent-length:5\r\nX:\r\n\r\n"
    assert response(raw).passing == b"Server: x\r\ncontent-length:5\r\nX:\r\n"
    assert parse_response_head(raw, 4, head_request=True).passing is None


def test_every_head_says_all_that_its_kind_has_to_say() -> None:
    for head in (request(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"), response(b"HTTP/1.1 200 OK\r\n\r\n")):
        assert all(hasattr(head, name) for name in head.__slots__)
