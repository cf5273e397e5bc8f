"""`/metrics` at an address of its own: one page, no secret."""

import asyncio

import httpx
import pytest

from propylon.control.metrics_page import MetricsPage
from propylon.telemetry.metrics import Metrics
from propylon.usage.histogram import bucket_end_us


def ask(method: str, path: str) -> httpx.Response:
    async def call() -> httpx.Response:
        transport = httpx.ASGITransport(MetricsPage(Metrics(bucket_end_us)))
        async with httpx.AsyncClient(transport=transport, base_url="http://node") as client:
            return await client.request(method, path)

    return asyncio.run(call())


def test_it_is_in_prometheus_text_format() -> None:
    answer = ask("GET", "/metrics")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert "# TYPE propylon_exchanges_total counter" in answer.text


@pytest.mark.parametrize("path", ["/", "/metrics/", "/tyk/keys", "/hello"])
def test_nothing_else_is_there(path: str) -> None:
    assert ask("GET", path).status_code == 404


def test_it_is_read_only() -> None:
    answer = ask("POST", "/metrics")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")
