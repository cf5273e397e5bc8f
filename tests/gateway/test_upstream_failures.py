"""Upstreams that are not there, die, stall or talk nonsense; and what is sent again, which is little."""

import pytest

from tests.kit.answers import Answer, Call, chunked, cut, raw, reply, stall
from tests.kit.client import Client, get, post
from tests.kit.data_path import data_path
from tests.kit.definitions import keyless_api
from tests.kit.origin import Origin

GET = b"GET /keyless/ HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /keyless/ HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"
PROBLEM = b'{\n    "error": "There was a problem proxying the request"\n}'
OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (cut(), "upstream_reset"),
        (cut(reset=True), "upstream_reset"),
        (cut(b"HTTP/1.1 200 OK\r\nContent-Le"), "upstream_reset"),
        (raw(b"rubbish\r\n\r\n"), "malformed_response"),
        (raw(OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"), "malformed_response"),
        (raw(OK + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), "malformed_response"),
        (raw(OK + b"A: " + b"b" * 100_000 + b"\r\n\r\n"), "malformed_response"),
        (raw(b"HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"), "malformed_response"),
    ],
)
def test_an_upstream_without_a_good_head_is_a_502_in_tyk_s_form(answer: Answer, reason: str) -> None:
    with Origin(answer) as origin, data_path(keyless_api(origin.url)) as path, Client(path.port) as client:
        client.send(GET)
        response = client.read_response()
        assert (response.status, response.body, response.value("x-generator")) == (502, PROBLEM, "tyk.io")
        assert response.value("connection") is None
        assert path.recorded[0].failure == reason


def test_an_upstream_that_refuses_is_a_502_and_the_client_s_connection_lives() -> None:
    with Origin() as origin, data_path(keyless_api(origin.url)) as path, Client(path.port) as client:
        origin.refuse()
        for _ in range(2):
            client.send(POST)
            assert client.read_response().status == 502
        assert {one.failure for one in path.recorded} == {"upstream_connect_refused"}


def test_a_host_nobody_knows_is_a_502_with_its_own_text() -> None:
    with data_path(keyless_api("http://nobody.invalid")) as path:
        answer = get(path.url + "/keyless/")
        assert (answer.status, answer.json()) == (502, {"error": "Upstream host lookup failed"})


def test_an_upstream_that_does_not_answer_in_time_is_a_504() -> None:
    with Origin(stall()) as origin, data_path(keyless_api(origin.url), upstream_timeout_s=0.1) as path:
        answer = get(path.url + "/keyless/")
        assert (answer.status, answer.json()) == (504, {"error": "Upstream service reached hard timeout."})
        origin.release()


def test_more_connections_than_an_origin_may_have_is_a_503() -> None:
    with (
        Origin(stall(b"", OK + b"Content-Length: 0\r\n\r\n")) as origin,
        data_path(keyless_api(origin.url), upstream_connections_max=1) as path,
        Client(path.port) as client,
    ):
        client.send(GET)
        origin.wait_for(1)
        assert get(path.url + "/keyless/").status == 503
        origin.release()
        assert client.read_response().status == 200
        assert get(path.url + "/keyless/").status == 200


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize(
    "start",
    [OK + b"Content-Length: 10\r\n\r\nhello", OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"],
    ids=["counted", "chunked"],
)
def test_an_answer_that_breaks_off_never_looks_whole(start: bytes, reset: bool) -> None:
    with Origin(cut(start, reset=reset)) as origin, data_path(keyless_api(origin.url)) as path:
        with Client(path.port) as client:
            client.send(GET)
            received = client.read_to_end()
        assert not received.endswith(b"0\r\n\r\n")
        assert not (b"Content-Length" in received and received.endswith(b"\r\n\r\nhellohello"))
    assert path.recorded[0].failure == "upstream_reset"


def test_a_chunk_that_is_none_breaks_the_answer_off() -> None:
    with (
        Origin(raw(OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n")) as origin,
        data_path(keyless_api(origin.url)) as path,
        Client(path.port) as client,
    ):
        client.send(GET)
        assert not client.read_to_end().endswith(b"0\r\n\r\n")


def test_an_answer_until_close_is_chunked_and_complete() -> None:
    with Origin(cut(OK + b"\r\nall of it")) as origin, data_path(keyless_api(origin.url)) as path:
        answer = get(path.url + "/keyless/")
        assert (answer.body, answer.value("transfer-encoding")) == (b"all of it", "chunked")


def test_an_interim_answer_is_read_over() -> None:
    early = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
    with Origin(raw(early + OK + b"Content-Length: 2\r\n\r\nok")) as origin, data_path(keyless_api(origin.url)) as path:
        assert get(path.url + "/keyless/").body == b"ok"


def test_trailers_of_an_answer_are_dropped() -> None:
    with (
        Origin(chunked([b"a", b"b"], trailers=((b"X-T", b"1"),))) as origin,
        data_path(keyless_api(origin.url)) as path,
    ):
        answer = get(path.url + "/keyless/")
        assert (answer.body, answer.trailers) == (b"ab", ())


class DiesWhenReused:
    """Answers the first request of each connection and cuts the second without a word."""

    def __init__(self) -> None:
        self.seen: set[object] = set()

    async def __call__(self, call: Call) -> None:
        await call.read_body()
        if call.reader in self.seen:
            call.reset()
            return
        self.seen.add(call.reader)
        await call.send(OK + b"Content-Length: 2\r\n\r\nok")


@pytest.mark.parametrize(("method", "status"), [(b"GET", 200), (b"POST", 502)])
def test_only_an_idempotent_request_is_sent_again_when_a_reused_connection_dies(method: bytes, status: int) -> None:
    with Origin(DiesWhenReused()) as origin, data_path(keyless_api(origin.url)) as path, Client(path.port) as client:
        client.send(GET)
        assert client.read_response().status == 200
        client.send(method + b" /keyless/second HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.read_response().status == status
        tries = [one for one in origin.requests if one.target == "/second"]
        assert len(tries) == (2 if status == 200 else 1)


def test_a_body_is_never_sent_twice() -> None:
    with Origin(DiesWhenReused()) as origin, data_path(keyless_api(origin.url)) as path, Client(path.port) as client:
        client.send(GET)
        assert client.read_response().status == 200
        client.send(b"PUT /keyless/ HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello")
        assert client.read_response().status == 502
        assert [bytes(one.body) for one in origin.requests if one.method == "PUT"] == [b"hello"]


def test_a_request_is_sent_again_once_however_many_idle_connections_are_dead() -> None:
    """Three warm connections, all of which die when used again: the second try goes over a fresh one."""
    answer = stall(b"", OK + b"Content-Length: 2\r\n\r\nok")
    dead: set[object] = set()

    async def die_later(call: Call) -> None:
        if call.request.target != "/again":
            await answer(call)
            dead.add(call.reader)
        elif call.reader in dead:
            call.reset()
        else:
            await call.send(OK + b"Content-Length: 2\r\n\r\nok")

    with Origin(die_later) as origin, data_path(keyless_api(origin.url)) as path:
        clients = [Client(path.port) for _ in range(3)]
        for client in clients:
            client.send(GET)
        origin.wait_for(3)
        origin.release()
        assert [client.read_response().status for client in clients] == [200] * 3
        clients[0].send(b"GET /keyless/again HTTP/1.1\r\nHost: x\r\n\r\n")
        assert clients[0].read_response().status == 200
        assert [one.target for one in origin.requests].count("/again") == 2
        for client in clients:
            client.__exit__()


def test_an_answer_nobody_asked_for_is_given_to_nobody() -> None:
    poison = OK + b"Content-Length: 2\r\n\r\nok" + OK + b"Content-Length: 6\r\n\r\npoison"
    with (
        Origin({"/bad": raw(poison), "/good": reply(200, b"good")}) as origin,
        data_path(keyless_api(origin.url)) as path,
        Client(path.port) as client,
    ):
        client.send(b"GET /keyless/bad HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.read_response().body == b"ok"
        client.send(b"GET /keyless/good HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.read_response().body == b"good"
        assert origin.connections == 2


def test_an_early_answer_reaches_a_client_that_still_sends() -> None:
    with (
        Origin(reply(413, b"too much", early=True)) as origin,
        data_path(keyless_api(origin.url)) as path,
        Client(path.port) as client,
    ):
        client.send(b"POST /keyless/ HTTP/1.1\r\nHost: x\r\nContent-Length: 500000\r\n\r\n")
        origin.wait_for(1)
        client.send(b"a" * 400_000)
        answer = client.read_response()
        assert (answer.status, answer.body, answer.value("connection")) == (413, b"too much", "close")
        client.send_all_or_less(b"a" * 100_000)
        client.expect_end()


def test_a_body_larger_than_permitted_is_refused() -> None:
    with Origin() as origin, data_path(keyless_api(origin.url), request_body_max_bytes=10) as path:
        assert post(path.url + "/keyless/", b"a" * 10).status == 200
        assert post(path.url + "/keyless/", b"a" * 11).status == 413
        assert len(origin.requests) == 1
