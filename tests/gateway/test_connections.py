"""Client connections: kept, pipelined in order, half-closed, ended."""

import pytest

from tests.kit.answers import Call, echo, reply, stall
from tests.kit.client import Client, get, request
from tests.kit.data_path import data_path
from tests.kit.definitions import keyless_api
from tests.kit.origin import Origin


async def wait_for_end(call: Call) -> None:
    """Never answers; ends when the gateway does."""
    assert await call.reader.read() == b""
    call.close()


GET = b"GET /keyless/%s HTTP/1.1\r\nHost: x\r\n\r\n"


def test_one_connection_serves_request_after_request_over_one_upstream_connection() -> None:
    with Origin() as origin, data_path(keyless_api(origin.url)) as path, Client(path.port) as client:
        for _ in range(3):
            client.send(GET % b"")
            assert client.read_response().body == b"hello"
        assert origin.connections == 1


def test_pipelined_requests_are_answered_in_order_though_the_first_is_slow() -> None:
    slow = stall(b"", b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nslow")
    with (
        Origin({"/slow": slow, "/a": reply(200, b"a"), "/b": reply(200, b"b")}) as origin,
        data_path(keyless_api(origin.url)) as path,
        Client(path.port) as client,
    ):
        client.send(GET % b"slow" + GET % b"a" + GET % b"b")
        origin.wait_for(1)
        origin.release()
        assert [client.read_response().body for _ in range(3)] == [b"slow", b"a", b"b"]


def test_more_pipelined_requests_than_may_wait_are_all_answered() -> None:
    with Origin() as origin, data_path(keyless_api(origin.url)) as path, Client(path.port) as client:
        client.send(GET % b"" * 100)
        assert [client.read_response().status for _ in range(100)] == [200] * 100


def test_bytes_that_are_no_request_behind_good_ones_are_refused_after_their_answers() -> None:
    with Origin() as origin, data_path(keyless_api(origin.url)) as path, Client(path.port) as client:
        client.send(GET % b"" + b"rubbish\r\n\r\n" + GET % b"")
        assert [client.read_response().status for _ in range(2)] == [200, 400]
        client.expect_end()
        assert len(origin.requests) == 1


def test_connection_close_is_answered_and_obeyed() -> None:
    with Origin() as origin, data_path(keyless_api(origin.url)) as path, Client(path.port) as client:
        client.send(b"GET /keyless/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert client.read_response().value("connection") == "close"
        client.expect_end()


def test_a_client_that_shut_its_sending_side_still_gets_every_answer() -> None:
    with Origin() as origin, data_path(keyless_api(origin.url)) as path, Client(path.port) as client:
        client.send(GET % b"" * 2)
        client.half_close()
        answers = [client.read_response() for _ in range(2)]
        assert [answer.value("connection") for answer in answers] == [None, "close"]
        client.expect_end()


def test_an_http_1_0_client_gets_a_length_and_the_end() -> None:
    with Origin() as origin, data_path(keyless_api(origin.url)) as path, Client(path.port) as client:
        client.send(b"GET /keyless/ HTTP/1.0\r\nHost: x\r\n\r\n")
        answer = client.read_response()
        assert (answer.body, answer.value("connection")) == (b"hello", "close")
        client.expect_end()


def test_an_http_1_0_client_may_ask_to_be_kept() -> None:
    with Origin() as origin, data_path(keyless_api(origin.url)) as path, Client(path.port) as client:
        for _ in range(2):
            client.send(b"GET /keyless/ HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\n\r\n")
            assert client.read_response().value("connection") == "keep-alive"


@pytest.mark.parametrize("method", ["HEAD", "GET"])
@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_without_a_body_leaves_the_connection_usable(method: str, status: int) -> None:
    bodiless = [b"HTTP/1.1 %d Scripted\r\n\r\n" % status, b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"]

    async def answer(call: Call) -> None:
        await call.send(bodiless[0] if call.request.target == "/none" else bodiless[1])

    with Origin(answer) as origin, data_path(keyless_api(origin.url)) as path, Client(path.port) as client:
        client.send(f"{method} /keyless/none HTTP/1.1\r\nHost: x\r\n\r\n".encode() + GET % b"")
        assert client.read_response(method).status == status
        assert client.read_response().body == b"hello"


def test_the_answer_to_head_keeps_its_length_and_has_no_body() -> None:
    with Origin() as origin, data_path(keyless_api(origin.url)) as path, Client(path.port) as client:
        client.send(b"HEAD /keyless/ HTTP/1.1\r\nHost: x\r\n\r\n" + GET % b"")
        assert client.read_response("HEAD").value("content-length") == "5"
        assert client.read_response().body == b"hello"


def test_a_client_that_resets_takes_its_upstream_request_with_it() -> None:
    with Origin(wait_for_end) as origin, data_path(keyless_api(origin.url)) as path:
        client = Client(path.port)
        client.send(GET % b"")
        origin.wait_for(1)
        client.reset()
        origin.wait_until_unused()
    assert [(one.failure, one.status) for one in path.recorded] == [("client_gone", 499)]


def test_a_connection_beyond_the_most_is_closed_and_the_others_go_on() -> None:
    with Origin() as origin, data_path(keyless_api(origin.url), connections_max=1) as path, Client(path.port) as client:
        client.send(GET % b"")
        assert client.read_response().status == 200
        with Client(path.port) as surplus:
            surplus.expect_end()
        client.send(GET % b"")
        assert client.read_response().status == 200


def test_own_pages_are_answered_without_an_api() -> None:
    with data_path() as path:
        assert get(path.url + "/hello").json() == {"status": "pass"}
        assert request("POST", path.url + "/hello", b"").status == 405
        assert get(path.url + "/tyk/apis").status == 404


def test_no_api_at_a_path_is_a_plain_404() -> None:
    with data_path() as path:
        answer = get(path.url + "/nowhere")
        assert (answer.status, answer.body, answer.value("content-type")) == (
            404,
            b"Not Found",
            "text/plain; charset=utf-8",
        )
        assert answer.value("x-generator") is None


def test_bodies_travel_both_ways_whatever_their_framing() -> None:
    with Origin(echo()) as origin, data_path(keyless_api(origin.url)) as path, Client(path.port) as client:
        client.send(b"POST /keyless/ HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello")
        assert client.read_response().body == b"hello"
        client.send(
            b"POST /keyless/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"
        )
        assert client.read_response().body == b"hello"
