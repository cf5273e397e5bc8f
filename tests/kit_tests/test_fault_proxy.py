"""The proxy is as bad a network as it is told, and a good one otherwise."""

import socket
import socketserver
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.kit.fault_proxy import FaultProxy

SAFETY_S = 30.0
LONG = bytes(range(256)) * 16


class Echo(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        try:
            while data := self.request.recv(65_536):
                self.server.heard += data  # type: ignore[attr-defined]
                self.request.sendall(data)
        except OSError:
            return


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    heard = b""


@pytest.fixture
def server() -> Iterator[Any]:
    with Server(("127.0.0.1", 0), Echo) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join(SAFETY_S)


@pytest.fixture
def proxy(server: Any) -> Iterator[FaultProxy]:
    with FaultProxy(server.server_address[1]) as running:
        yield running


@pytest.fixture
def client(proxy: FaultProxy) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=SAFETY_S) as connected:
        assert echoed(connected, b"hello") == b"hello"
        yield connected


def echoed(client: socket.socket, data: bytes) -> bytes:
    client.sendall(data)
    return received(client, len(data))


def received(client: socket.socket, length: int) -> bytes:
    data = b""
    while len(data) < length:
        data += client.recv(length - len(data)) or pytest.fail(f"ended after {data!r}")
    return data


def is_ended(client: socket.socket) -> bool:
    try:
        return client.recv(1) == b""
    except ConnectionResetError:
        return True


def test_all_arrives_whole_also_late_and_in_single_bytes(proxy: FaultProxy, client: socket.socket) -> None:
    assert echoed(client, LONG) == LONG
    proxy.latency_s = 0.001
    proxy.piece_bytes = 1
    assert echoed(client, LONG) == LONG


def test_a_cut_ends_what_is_open_and_nothing_that_is_made_later(proxy: FaultProxy, client: socket.socket) -> None:
    proxy.cut()
    assert is_ended(client)
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=SAFETY_S) as another:
        assert echoed(another, b"again") == b"again"


def test_one_that_is_down_ends_whatever_is_made_until_it_comes_up(proxy: FaultProxy, client: socket.socket) -> None:
    proxy.go_down()
    assert is_ended(client)
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=SAFETY_S) as another:
        assert is_ended(another)
    proxy.come_up()
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=SAFETY_S) as another:
        assert echoed(another, b"again") == b"again"


def test_half_closed_it_takes_and_gives_nothing(proxy: FaultProxy, client: socket.socket) -> None:
    proxy.half_close()
    assert is_ended(client)
    client.sendall(b"into the dark")


@pytest.mark.parametrize(("way", "is_heard"), [("calls", False), ("answers", True)])
def test_what_is_held_arrives_when_it_is_over(
    proxy: FaultProxy, client: socket.socket, server: Any, way: Any, *, is_heard: bool
) -> None:
    with proxy.holding(way) as gate:
        client.sendall(b"one word")
        gate.held(b"word")
        assert (b"one word" in server.heard) == is_heard
    assert received(client, 8) == b"one word"


def test_turned_it_leads_elsewhere(proxy: FaultProxy, client: socket.socket) -> None:
    proxy.turn_to(1)  # where nobody is
    assert echoed(client, b"still") == b"still"
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=SAFETY_S) as another:
        assert is_ended(another)
