"""Deciding: what is decided about a request, without sockets; records in memory, keys that a test publishes.

Everything from the table of routes to the last step is the product's.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from propylon.exchange import Exchange
from propylon.gateway.heads import request_head
from propylon.http.limits import HeadLimits
from propylon.http.request_head import parse_request_head
from propylon.jose.verification import VerificationRecord
from propylon.model.jwt_settings import IssuerSettings
from propylon.settings import Settings
from propylon.snapshot.assembly import DecidingParts, deciding_parts
from propylon.snapshot.decision import decide
from propylon.steps.issuer_keys import KID_UNKNOWN
from propylon.stores.lmdb import LmdbMeters
from propylon.stores.lmdb_environment import METERS, USAGE, open_environment
from propylon.telemetry.counters import Counters
from tests.kit.clock import FakeClock
from tests.kit.memory_records import SEALING, MemoryRecords

MAP_BYTES = 1 << 20


class PublishedKeys:
    """By (name of the issuer, kid). Satisfies `IssuerKeys`, and takes no time."""

    def __init__(self, records: Mapping[tuple[str, str | None], VerificationRecord] | None = None) -> None:
        self.records = dict(records or {})
        self.asked: list[tuple[str, str | None, str]] = []
        self.distrusted = 0  # how often

    async def record(self, issuer: IssuerSettings, kid: str | None, alg: str) -> VerificationRecord | str:
        self.asked.append((issuer.issuer, kid, alg))
        return self.records.get((issuer.issuer, kid), KID_UNKNOWN)

    async def holds(self, issuer: IssuerSettings, record: VerificationRecord) -> bool:
        return any(name == issuer.issuer and known is record for (name, _), known in self.records.items())

    def distrust(self) -> None:
        self.distrusted += 1


class Deciding:
    """Made by `deciding`. The write methods of `records` count when they were announced."""

    def __init__(self, records: MemoryRecords, clock: FakeClock, meters: LmdbMeters, parts: DecidingParts) -> None:
        self.records = records
        self.clock = clock
        self._meters = meters
        self._parts = parts
        self._runner = asyncio.Runner()
        self._runner.run(meters.announce(self._revision()))
        self._runner.run(parts.follow.start())

    def ask(self, path: str, token: str = "", *lines: str) -> Exchange:
        """The exchange after its decision; `lines` are further field lines of the request."""
        return self._ask(path, token, lines)[0]

    def travels_as(self, path: str, token: str, *lines: str) -> list[str]:
        """The field lines of a request that was let through, as the upstream gets them."""
        exchange, head = self._ask(path, token, lines)
        assert exchange.denial is None, exchange.denial
        return head.decode("latin-1").split("\r\n")[1:-2]

    def reason(self, path: str, token: str = "", *lines: str) -> str:
        """Of the refusal, "" when there is none."""
        denial = self.ask(path, token, *lines).denial
        return denial.reason if denial is not None else ""

    def change(self, revision: int) -> None:
        """Announces what a write method of `records` has answered."""
        self._runner.run(self.announce(revision))

    async def announce(self, revision: int) -> None:
        """The same, while a decision is under way."""
        await self._meters.announce(revision)

    def close(self) -> None:
        self._runner.run(self._meters.close())
        self._runner.close()

    def _ask(self, path: str, token: str, lines: Sequence[str]) -> tuple[Exchange, bytes]:
        fields = ["Host: g", *([f"Authorization: Bearer {token}"] if token else []), *lines]
        raw = "\r\n".join([f"GET {path} HTTP/1.1", *fields, "", ""]).encode("latin-1")
        head = parse_request_head(raw, len(fields), HeadLimits())
        exchange = Exchange(head, "192.0.2.1", "192.0.2.1", self.clock.monotonic(), peer_trusted=False)
        route = self._runner.run(decide(exchange, self._parts.follow))
        is_let_in = route is not None and exchange.denial is None
        return exchange, request_head(exchange, route, b"http") if is_let_in and route is not None else b""

    def _revision(self) -> int:
        return self._runner.run(self.records.revision())


@contextmanager
def deciding(
    *apis: Mapping[str, Any],
    keys: Mapping[str, Mapping[str, Any]] | None = None,
    policies: Sequence[Mapping[str, Any]] = (),
    issuers: PublishedKeys | None = None,
) -> Iterator[Deciding]:
    """Closed with its meters at the end."""
    records, clock = MemoryRecords(), FakeClock()
    for policy in policies:
        records.put_policy(policy)
    for key_id, session in (keys or {}).items():
        records.put_key(key_id, session)
    for api in apis:
        records.put_api(api)
    with TemporaryDirectory() as folder:
        environment, usage = (open_environment(Path(folder) / name, MAP_BYTES) for name in (METERS, USAGE))
        meters = LmdbMeters(environment, usage, 100, clock, b"boot")
        settings = Settings.model_validate({"secret": "of-no-use-here", "data_dir": folder})
        parts = deciding_parts(settings, SEALING, records, meters, clock, Counters(0), issuers or PublishedKeys())
        made = Deciding(records, clock, meters, parts)
        try:
            yield made
        finally:
            made.close()
