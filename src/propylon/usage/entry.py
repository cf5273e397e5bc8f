"""One exchange as the logs have it: an entry of the request log, and the same as a line of the access log."""

from collections.abc import Callable, Mapping
from typing import Final

from propylon.clock import Clock
from propylon.exchange import Exchange
from propylon.usage.line import LogEntry
from propylon.usage.split import split_us

TEXT_LOGGED_MAX: Final = 512  # characters of a path or name


def log_entry(exchange: Exchange, reason: str, latency_us: int, one_in: int, at: float) -> LogEntry:
    """The path without its query, which may hold a credential."""
    identity = exchange.caller.identity if exchange.caller is not None else None
    return LogEntry(
        round(at, 3),
        exchange.api_id,
        identity.record if identity else "",
        identity.key_hash if identity else "",
        identity.name[:TEXT_LOGGED_MAX] if identity else "",
        exchange.head.method,
        exchange.head.path[:TEXT_LOGGED_MAX],
        exchange.status,
        reason,
        latency_us,
        exchange.upstream_status,
        exchange.client_ip,
        one_in,
        exchange.trace,
    )


def access_entry(entry: LogEntry, exchange: Exchange, now: float) -> dict[str, object]:
    """`now` is when it ended, monotonic."""
    upstream_us, gateway_us = split_us(exchange, now)
    split = {"upstream_latency_us": upstream_us, "gateway_latency_us": gateway_us}
    return {**entry._asdict(), **split, "bytes_in": exchange.body_in, "bytes_out": exchange.body_out}


class EveryExchange:
    """Counts an exchange as `record` does, and writes an entry of it; for `access_log = "all"`."""

    def __init__(
        self, record: Callable[[Exchange], None], write: Callable[[Mapping[str, object]], None], clock: Clock
    ) -> None:
        self._record = record
        self._write = write
        self._clock = clock

    def __call__(self, exchange: Exchange) -> None:
        self._record(exchange)
        denial = exchange.denial
        reason = denial.reason if denial is not None else exchange.failure
        now = self._clock.monotonic()
        entry = log_entry(exchange, reason, int((now - exchange.started) * 1e6), 1, self._clock.wall())
        self._write(access_entry(entry, exchange, now))
