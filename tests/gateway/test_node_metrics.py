"""`/metrics` of a node that has no control process, from the queue of that node to the socket."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

import pytest
import uvloop

from propylon.gateway.deadlines import Deadlines
from propylon.gateway.downstream import DownstreamSettings
from propylon.gateway.node_metrics import NodeMetrics
from propylon.http.client_address import TrustedProxies
from propylon.http.limits import HeadLimits
from propylon.settings import Address
from propylon.stores.lmdb import LmdbMeters, open_meters
from propylon.usage.line import Cell
from propylon.usage.node_lines import NodeLines
from propylon.usage.split import Split
from tests.kit.ports import free_port

CELL = Cell("orders", "k1", 200, "", "", 3, 10, 100, {40: 3})
SETTINGS = DownstreamSettings(HeadLimits(), 10.0, 75.0, 30.0, 0, TrustedProxies(()), None, lambda failure: None)


class Node:
    def __init__(self, folder: Path, port: int) -> None:
        self.port = port
        self.queue: LmdbMeters = open_meters(
            folder, meters_map_bytes=1 << 20, usage_map_bytes=1 << 20, usage_lines_max=100
        )
        deadlines = Deadlines(asyncio.get_running_loop())
        of = ("a-node", "gateway", "1.2.3")
        self.metrics = NodeMetrics(Address("127.0.0.1", port), self.queue, of, SETTINGS, deadlines)

    async def ask(self, request: str) -> str:
        """Status line, head and body as they came."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(f"{request} HTTP/1.1\r\nHost: node\r\nConnection: close\r\n\r\n".encode())
        answer = (await reader.read()).decode()
        writer.close()
        return answer


def with_node(folder: Path, scenario: Callable[[Node], Awaitable[None]], port: int | None = None) -> None:
    async def run() -> None:
        async with asyncio.timeout(30):
            node = Node(folder, port or free_port())
            await scenario(node)
            await node.metrics.end()
            await node.queue.close()

    uvloop.run(run())


def test_one_worker_answers_for_all(tmp_path: Path) -> None:
    async def scenario(node: Node) -> None:
        for slot in range(3):
            lines = NodeLines(node.queue)
            lines.note(1, [CELL], {"orders": Split({40: 3}, {8: 3})})
            await lines.flush(1, {"worker": slot, "lookups": 10 + slot})
        await node.metrics.collect()
        page = await node.ask("GET /metrics")
        assert page.startswith("HTTP/1.1 200 OK\r\n")
        assert "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n" in page
        assert 'propylon_exchanges_total{api="orders",reason="",status="200"} 9.0\n' in page
        assert 'propylon_worker_lookups_total{worker="2"} 12.0\n' in page
        assert 'propylon_upstream_latency_seconds_count{api="orders"} 9.0\n' in page
        assert 'propylon_node_info{node="a-node",role="gateway",version="1.2.3"} 1.0\n' in page

    with_node(tmp_path, scenario)


@pytest.mark.parametrize(
    ("request_line", "status"), [("GET /", 404), ("GET /tyk/keys", 404), ("GET /hello", 404), ("DELETE /metrics", 405)]
)
def test_nothing_else_is_there(tmp_path: Path, request_line: str, status: int) -> None:
    async def scenario(node: Node) -> None:
        await node.metrics.collect()
        answer = await node.ask(request_line)
        assert answer.startswith(f"HTTP/1.1 {status} ")
        assert ("Allow: GET, HEAD\r\n" in answer) == (status == 405)

    with_node(tmp_path, scenario)


def test_a_head_request_has_the_length_and_no_body(tmp_path: Path) -> None:
    async def scenario(node: Node) -> None:
        await node.metrics.collect()
        head, _, body = (await node.ask("HEAD /metrics")).partition("\r\n\r\n")
        assert "Content-Length: " in head
        assert body == ""

    with_node(tmp_path, scenario)


def test_an_address_that_is_taken_is_tried_again_and_figures_are_collected_meanwhile(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", free_port()))
        taken.listen()

        async def scenario(node: Node) -> None:
            lines = NodeLines(node.queue)
            lines.note(1, [CELL], {"orders": Split({40: 3}, {8: 3})})
            await lines.flush(1, {})
            await node.metrics.collect()
            assert not (await node.queue.peek(1)).lines
            taken.close()
            await node.metrics.collect()
            assert 'status="200"} 3.0\n' in await node.ask("GET /metrics")

        with_node(tmp_path, scenario, taken.getsockname()[1])
    assert "metrics_listen 127.0.0.1:" in caplog.text
