"""An exchange keeps when its upstream was asked, when it answered, and when the head of the answer left."""

import time

from propylon.exchange import Exchange
from propylon.usage.split import split_us
from tests.kit.answers import reply, stall
from tests.kit.client import Client, get
from tests.kit.data_path import DataPath, data_path
from tests.kit.definitions import keyless_api, token_api
from tests.kit.origin import Origin


def recorded(path: DataPath) -> Exchange:
    """The newest exchange, which has ended."""
    path.run(path.until_nothing_runs())
    return path.recorded[-1]


LATE = stall(b"", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
IN_TWO_PIECES = stall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab", b"cd")


def test_the_time_until_the_upstream_answers_is_its_own() -> None:
    with Origin(LATE) as origin, data_path(keyless_api(origin.url)) as path:
        answer = path.in_background(lambda: get(path.url + "/keyless/"))
        origin.wait_for(1)
        asked_by_now = time.monotonic()
        released_at = time.monotonic()
        origin.release()
        assert answer.result().status == 200
        exchange = recorded(path)
    assert exchange.started <= exchange.asked_at <= asked_by_now
    assert released_at <= exchange.answered_at <= time.monotonic()
    assert exchange.replied_at == 0.0


def test_the_rest_of_an_answer_that_streams_is_neither_s() -> None:
    with Origin(IN_TWO_PIECES) as origin, data_path(keyless_api(origin.url)) as path, Client(path.port) as client:
        client.send(b"GET /keyless/ HTTP/1.1\r\nHost: a\r\n\r\n")
        client.read_until(b"ab")
        head_came_at = time.monotonic()
        origin.release()
        client.read_exactly(2)
        exchange = recorded(path)
    assert exchange.answered_at <= exchange.replied_at <= head_came_at
    assert sum(split_us(exchange, now=1e9)) <= (head_came_at - exchange.started) * 1e6


def test_an_upstream_that_cannot_be_reached_took_the_time_it_failed_in() -> None:
    with data_path(keyless_api("http://127.0.0.1:9")) as path:
        assert get(path.url + "/keyless/").status == 502
        exchange = recorded(path)
    assert exchange.started <= exchange.asked_at < exchange.answered_at


def test_a_refusal_and_an_exchange_without_a_connection_to_be_had_asked_nobody() -> None:
    with (
        Origin(LATE) as origin,
        data_path(keyless_api(origin.url), token_api(origin.url), upstream_connections_max=1) as path,
    ):
        answer = path.in_background(lambda: get(path.url + "/keyless/"))
        origin.wait_for(1)
        assert get(path.url + "/keyless/").status == 503
        assert get(path.url + "/token/").status == 401
        origin.release()
        answer.result()
        recorded(path)
        assert [(one.status, bool(one.asked_at)) for one in path.recorded] == [(503, False), (401, False), (200, True)]


def test_pipelined_requests_begin_when_they_came_not_when_their_turn_is() -> None:
    with Origin(reply(200, b"x")) as origin, data_path(keyless_api(origin.url)) as path, Client(path.port) as client:
        client.send(b"GET /keyless/ HTTP/1.1\r\nHost: a\r\n\r\n" * 2)
        client.read_response()
        client.read_response()
        recorded(path)
    first, second = path.recorded
    assert second.started == first.started
    assert second.asked_at >= first.answered_at
