"""Traces of a whole gateway: what the upstream is told, what the collector is given, and what costs nothing."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.kit.answers import reply, stall
from tests.kit.client import Client, Response, get
from tests.kit.collector import CLIENT, ERROR, Collector, Span
from tests.kit.definitions import keyless_api, session, token_api
from tests.kit.gateway import Gateway, running_gateway
from tests.kit.origin import Origin
from tests.kit.ports import free_port
from tests.kit.waiting import eventually

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"
PARENT = f"00-{TRACE}-{SPAN}-01"
EVERYBODY = {"tracing_trust": "everybody"}


class Traced(NamedTuple):
    gateway: Gateway
    origin: Origin
    collector: Collector
    settings: Mapping[str, Any]

    def ask(self, path: str, fields: Mapping[str, str] | None = None) -> Response:
        return get(self.gateway.url + path, fields)

    def told(self) -> tuple[str, ...]:
        """The newest `traceparent` at the upstream, in its four parts."""
        parent = self.origin.requests[-1].value("traceparent")
        assert parent is not None
        return tuple(parent.split("-"))


@contextmanager
def traced(answer: Any = None, **settings: Any) -> Iterator[Traced]:
    with Origin(answer or reply(200, b"hello")) as origin, Collector() as collector:
        apis = [
            keyless_api(origin.url, "open"),
            keyless_api("http://127.0.0.1:9", "dead"),
            token_api(origin.url, "closed"),
        ]
        on = {"tracing_endpoint": collector.url}
        with running_gateway(apis, settings=on | settings) as gateway:
            yield Traced(gateway, origin, collector, settings)


@pytest.fixture(scope="module")
def world() -> Iterator[Traced]:
    """With the settings of whoever sets only where the collector is. Each test asks for paths of its own."""
    with traced(metrics_listen=f"127.0.0.1:{free_port()}") as shared:
        yield shared


def server_span(world: Traced, path: str) -> Span:
    """That of the exchange that asked for this path."""
    (found,) = world.collector.wait_for(1, lambda span: span.attributes.get("url.path") == path)
    return found


def client_span(world: Traced, server: Span) -> Span:
    (found,) = world.collector.wait_for(1, lambda span: span.kind == CLIENT and span.parent_id == server.span_id)
    return found


def test_without_tracing_both_fields_pass_as_they_came() -> None:
    with Origin() as origin, running_gateway([keyless_api(origin.url, "open")]) as gateway:
        lines = b"traceparent: 00-garbage\r\ntracestate: a=1\r\nTraceParent: again\r\ntracestate: b=2\r\n"
        with Client(gateway.port) as client:
            client.send(b"GET /open/ HTTP/1.1\r\nHost: a\r\n" + lines + b"\r\n")
            assert client.read_response().status == 200
        got = origin.requests[-1]
        assert got.values("traceparent") == ["00-garbage", "again"]
        assert got.values("tracestate") == ["a=1", "b=2"]


def test_a_client_s_trace_goes_on_through_a_span_of_each_side() -> None:
    with traced(**EVERYBODY) as world:
        assert world.ask("/open/x?key=canary-query", {"traceparent": PARENT, "tracestate": "a=1, b=2"}).status == 200
        server = server_span(world, "/open/x")
        client = client_span(world, server)
        assert world.told() == ("00", TRACE, client.span_id, "01")
        assert world.origin.requests[-1].values("tracestate") == ["a=1,b=2"]
        assert (server.trace_id, server.parent_id, server.state) == (TRACE, SPAN, "a=1,b=2")
        assert (client.trace_id, client.parent_id) == (TRACE, server.span_id)
        assert server.start_ns <= client.start_ns <= client.end_ns <= server.end_ns
        assert (server.name, client.name) == ("GET /open", "GET")
        assert server.attributes == {
            "http.request.method": "GET",
            "http.route": "/open",
            "http.response.status_code": 200,
            "url.scheme": "http",
            "url.path": "/open/x",
            "network.protocol.version": "1.1",
            "client.address": "127.0.0.1",
            "propylon.api_id": "open",
        }
        assert client.attributes == {
            "http.request.method": "GET",
            "http.response.status_code": 200,
            "server.address": "127.0.0.1",
            "server.port": world.origin.port,
            "url.full": f"{world.origin.url}/x",
            "network.protocol.version": "1.1",
        }
        assert server.resource["service.name"] == "propylon"
        assert world.collector.posts[0] == "/v1/traces"


def test_a_request_without_a_trace_begins_one(world: Traced) -> None:
    world.ask("/open/begins")
    server = server_span(world, "/open/begins")
    assert world.told() == ("00", server.trace_id, client_span(world, server).span_id, "03")
    assert (server.parent_id, server.state) == ("", "")
    assert world.origin.requests[-1].value("tracestate") is None


@pytest.mark.parametrize(
    "lines",
    [
        [("traceparent", "00-garbage")],
        [("traceparent", PARENT.upper())],
        [("traceparent", PARENT), ("traceparent", PARENT)],
        [("traceparent", f"00-{'0' * 32}-{SPAN}-01")],
        [("traceparent", PARENT + "-more")],
        [("traceparent", "ff" + PARENT[2:])],
        [("traceparent", "0" * 8_000)],
    ],
)
def test_what_names_no_place_in_a_trace_begins_one_and_its_state_goes(
    world: Traced, lines: list[tuple[str, str]]
) -> None:
    fields = "".join(f"{name}: {value}\r\n" for name, value in [*lines, ("tracestate", "a=1")])
    with Client(world.gateway.port) as client:
        client.send(f"GET /open/ HTTP/1.1\r\nHost: a\r\n{fields}\r\n".encode())
        assert client.read_response().status == 200
    version, trace_id, _, flags = world.told()
    assert (version, flags) == ("00", "03")
    assert re.fullmatch("[0-9a-f]{32}", trace_id)
    assert trace_id not in (TRACE, "0" * 32)
    assert world.origin.requests[-1].values("tracestate") == []


def test_a_stranger_does_not_decide_what_is_sampled() -> None:
    with traced(tracing_sample_ratio=0) as world:
        world.ask("/open/", {"traceparent": PARENT})
        version, trace_id, span_id, flags = world.told()
        assert (version, trace_id, flags) == ("00", TRACE, "00")
        assert span_id != SPAN
        world.gateway.stop()
        assert world.collector.spans == []


@pytest.mark.parametrize(
    ("trusting", "ratio", "flags", "spans"),
    [(EVERYBODY, 1, "00", 0), ({"trusted_proxies": ["127.0.0.0/8"]}, 0, "01", 2)],
)
def test_who_is_trusted_decides_what_is_sampled(trusting: dict[str, Any], ratio: int, flags: str, spans: int) -> None:
    with traced(tracing_sample_ratio=ratio, **trusting) as world:
        world.ask("/open/", {"traceparent": PARENT[:-2] + flags})
        assert world.told()[3] == flags
        world.gateway.stop()
        assert len(world.collector.spans) == spans


def test_a_refusal_has_a_span_that_says_why(world: Traced) -> None:
    fields = {"Authorization": "canary-credential", "Cookie": "canary-cookie"}
    refused = world.ask("/closed/refused", fields)
    closed = server_span(world, "/closed/refused")
    assert closed.name == "GET /closed"
    assert closed.attributes["http.response.status_code"] == 403
    assert closed.attributes["propylon.reason"] == "key_unknown"
    assert closed.attributes["propylon.trace"] == refused.value("x-propylon-trace")
    assert (closed.status, closed.parent_id) == (0, "")
    world.ask("/nowhere")
    nowhere = server_span(world, "/nowhere")
    assert (nowhere.name, nowhere.attributes["propylon.reason"]) == ("GET", "no_route")
    assert "http.route" not in nowhere.attributes
    assert b"canary" not in world.collector.raw


def test_a_failure_is_an_error_of_both_spans(world: Traced) -> None:
    failed = world.ask("/dead/fails")
    dead = server_span(world, "/dead/fails")
    upstream = client_span(world, dead)
    assert (dead.status, upstream.status) == (ERROR, ERROR)
    assert dead.attributes["error.type"] == dead.attributes["propylon.reason"] == "upstream_connect_refused"
    assert dead.attributes["propylon.trace"] == failed.value("x-propylon-trace")
    assert upstream.attributes["error.type"] == "upstream_connect_refused"
    assert "http.response.status_code" not in upstream.attributes


def test_a_caller_is_named_by_its_record_and_its_credential_nowhere(world: Traced) -> None:
    key = "canary-key-0123456789"
    assert world.gateway.api("POST", f"/tyk/keys/{key}", session("closed", alias="canary-alias")).status == 200
    fields = {"Authorization": key, "X-Other": "canary-header", "User-Agent": "canary-agent"}
    assert world.ask("/closed/named?q=canary-query", fields).status == 200
    server = server_span(world, "/closed/named")
    assert server.attributes["propylon.identity"] == "k1"
    client_span(world, server)
    assert b"canary" not in world.collector.raw


def test_a_method_that_few_know_is_not_shown(world: Traced) -> None:
    with Client(world.gateway.port) as client:
        client.send(b"PROPFIND /open/made-up HTTP/1.1\r\nHost: a\r\n\r\n")
        client.read_response()
    server = server_span(world, "/open/made-up")
    assert (server.name, server.attributes["http.request.method"]) == ("HTTP /open", "_OTHER")


def test_the_gateway_s_own_pages_have_no_spans(world: Traced) -> None:
    world.ask("/hello")
    assert world.gateway.api("GET", "/tyk/apis").status == 200
    world.ask("/open/after-own-pages")
    server_span(world, "/open/after-own-pages")
    paths = {str(span.attributes.get("url.path", "")) for span in world.collector.spans}
    assert not [path for path in paths if path.startswith(("/hello", "/tyk"))]


def test_spans_that_were_sent_are_counted(world: Traced) -> None:
    world.ask("/open/counted")
    server_span(world, "/open/counted")
    sent = len(world.collector.spans)
    address = str(world.settings["metrics_listen"])
    eventually(lambda: metric(address, "propylon_worker_spans_sent_total") >= sent)
    assert metric(address, "propylon_worker_spans_lost_total") == 0


def test_what_ended_before_a_sigterm_is_sent_and_what_runs_then_too() -> None:
    with (
        traced(stall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", b"ok")) as world,
        Client(world.gateway.port) as client,
    ):
        world.ask("/closed/")
        client.send(b"GET /open/ HTTP/1.1\r\nHost: a\r\n\r\n")
        world.origin.wait_for(1)
        os.kill(world.gateway.pid, signal.SIGTERM)
        world.origin.release()
        assert client.read_response().body == b"ok"
        world.gateway.stop()
        assert sorted(span.name for span in world.collector.spans) == ["GET", "GET /closed", "GET /open"]


def metric(address: str, name: str) -> float:
    page = get(f"http://{address}/metrics").body.decode()
    return sum(float(line.rsplit(" ", 1)[1]) for line in page.splitlines() if line.startswith(f"{name}{{"))


def test_a_collector_that_is_away_is_warned_of_once_and_what_is_lost_is_counted() -> None:
    at = f"127.0.0.1:{free_port()}"
    with traced(metrics_listen=at, tracing_endpoint=f"http://127.0.0.1:{free_port()}") as world:
        for _ in range(2):
            before = metric(at, "propylon_worker_spans_lost_total")
            assert world.ask("/open/").status == 200
            eventually(lambda: metric(at, "propylon_worker_spans_lost_total") >= before + 2)  # noqa: B023
        assert metric(at, "propylon_worker_spans_sent_total") == 0
        world.gateway.stop()
        log = world.gateway.stderr_path.read_text()
        assert log.count("spans are lost") == 1
        assert "refused" in log
        assert "Traceback" not in log


def test_a_collector_that_hangs_holds_up_neither_requests_nor_the_end() -> None:
    with traced() as world:
        world.collector.answer = stall(b"", b"")
        for _ in range(20):
            assert world.ask("/open/").status == 200
        world.gateway.stop()  # by itself, within the kit's bound
        assert world.collector.spans == []
        world.collector.release()


NO_SDK = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name == "opentelemetry.sdk" or name.startswith("opentelemetry.exporter"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Missing())
from propylon.cli.main import main
main()
"""


def test_without_the_extra_the_gateway_says_what_to_install(tmp_path: Path) -> None:
    config = tmp_path / "propylon.toml"
    config.write_text(
        f'secret = "0123456789abcdef"\ndata_dir = "{tmp_path}/data"\nlisten = "127.0.0.1:0"\n'
        'tracing_endpoint = "http://127.0.0.1:4318"\n'
    )
    command = [sys.executable, "-c", NO_SDK, "serve", "--config", str(config)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert "pip install 'propylon[tracing]'" in ended.stderr
    assert not (tmp_path / "data").exists()
