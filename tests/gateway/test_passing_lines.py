"""Lines that travel on as they came are those that are left when every field is looked at."""

import pytest
from hypothesis import given, settings

from propylon.errors import Failure
from propylon.exchange import Exchange
from propylon.gateway.heads import (
    PASSED_FROM_TRUSTED,
    REQUEST_DROPPED,
    RESPONSE_DROPPED,
    request_head,
    response_head,
    switching_head,
)
from propylon.http.hop_by_hop import FORWARDED_NAMES
from propylon.http.limits import HeadLimits
from propylon.http.messages import FieldLines
from propylon.http.request_head import parse_request_head
from propylon.http.response_head import parse_response_head
from propylon.snapshot.route import control_route
from tests.kit.heads import LOOK_CLOSER, looked_closer_at, request_heads, response_heads

GET = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
FORWARDING = FORWARDED_NAMES | {b"x-forwarded-for", b"x-forwarded-proto", b"x_forwarded_for", b"x-forwarded-x"}
SPELLINGS = [bytes.lower, bytes.upper, bytes.title, bytes.swapcase]


def exchange(raw: bytes, *, peer_trusted: bool) -> Exchange:
    head = parse_request_head(raw, raw.count(b"\n") - 2, HeadLimits())
    return Exchange(head, "192.0.2.1", "192.0.2.1", 0.0, peer_trusted=peer_trusted)


def sent_upstream(raw: bytes, *, peer_trusted: bool = False) -> bytes:
    return request_head(exchange(raw, peer_trusted=peer_trusted), control_route("/run/x"), b"http")


def sent_to_client(raw: bytes) -> bytes:
    answer = parse_response_head(raw, raw.count(b"\n") - 2, head_request=False)
    if answer.status == 101:
        return switching_head(answer)
    return response_head(exchange(GET, peer_trusted=False), answer, keep_alive=True, chunked=False)


def fields(sent: bytes) -> list[tuple[bytes, bytes]]:
    line, _, lines = sent[:-2].partition(b"\r\n")
    return [(line, b""), *[field for field in FieldLines(lines).fields if field[0] != LOOK_CLOSER]]


@settings(max_examples=400)
@given(request_heads())
def test_the_same_fields_reach_the_upstream_whether_looked_at_or_not(raw: bytes) -> None:
    try:
        sent = [sent_upstream(raw, peer_trusted=trusted) for trusted in (False, True)]
    except Failure:
        return
    closer = [sent_upstream(looked_closer_at(raw), peer_trusted=trusted) for trusted in (False, True)]
    assert [fields(one) for one in sent] == [fields(one) for one in closer]


@settings(max_examples=400)
@given(response_heads())
def test_the_same_fields_reach_the_client_whether_looked_at_or_not(raw: bytes) -> None:
    try:
        sent = sent_to_client(raw)
    except Failure:
        return
    assert fields(sent) == fields(sent_to_client(looked_closer_at(raw)))


@pytest.mark.parametrize("name", sorted(REQUEST_DROPPED | FORWARDING))
def test_a_field_that_must_not_reach_the_upstream_does_not_in_any_spelling(name: bytes) -> None:
    for spelling in SPELLINGS:
        raw = GET[:-2] + b"%b:forged\r\nA: b\r\n\r\n" % spelling(name)
        try:
            sent = [sent_upstream(raw)] + ([] if name in FORWARDING else [sent_upstream(raw, peer_trusted=True)])
        except Failure:
            continue
        assert not [one for one in sent if b"forged" in one]


@pytest.mark.parametrize("name", sorted(FORWARDING - PASSED_FROM_TRUSTED - {b"x-forwarded-for"}))
def test_a_trusted_peer_cannot_use_a_second_spelling_either(name: bytes) -> None:
    assert b"forged" not in sent_upstream(GET[:-2] + b"%b: forged\r\n\r\n" % name, peer_trusted=True)


@pytest.mark.parametrize("name", sorted(RESPONSE_DROPPED))
def test_a_field_that_must_not_reach_the_client_does_not_in_any_spelling(name: bytes) -> None:
    for spelling in SPELLINGS:
        raw = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n%b:forged\r\n\r\n" % spelling(name)
        try:
            sent = sent_to_client(raw)
        except Failure:
            continue
        assert b"forged" not in sent


def test_a_101_keeps_nothing_of_its_hop_but_the_upgrade() -> None:
    lines = b"Connection: upgrade, X-Own\r\nX-Own: 1\r\nUpgrade: websocket\r\nContent-Length: 5\r\nA: b\r\n"
    assert fields(sent_to_client(b"HTTP/1.1 101 S\r\n%b\r\n" % lines))[1:] == [
        (b"A", b"b"),
        (b"Connection", b"Upgrade"),
        (b"Upgrade", b"websocket"),
    ]
