"""A month of usage as it stands in the tables: hours, days and weeks of many callers, made by the database itself."""

from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from propylon.usage.rebuilding import SUMMED_UP
from propylon.usage.rows import Grain

APIS: Final = 20
_INDEX: Final = "usage_callers_by_identity"
_NAMES: Final = (
    "grain, at, org_id, api_id, version, identity, reason, endpoint, tags, status, "
    "count, bytes_in, bytes_out, latency_us, min_us, max_us, last_minute"
)
_SPREAD: Final = ", ".join(f'"{bucket}": {bucket}' for bucket in range(30, 46))
_CALLERS: Final = """
    WITH RECURSIVE caller(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM caller WHERE n + 1 < :callers)"""
# Everybody calls one API each hour; each fiftieth of them is refused, too.
_SERVED: Final = f"""
    INSERT INTO usage_callers ({_NAMES}, latencies) {_CALLERS}
    SELECT 60, CAST(:hour AS bigint), 'default', 'api-' || (n % {APIS}), 'Default', 'k' || (n + 1), '', '',
        CASE WHEN n % 10 = 0 THEN :tags ELSE '' END, 200, 10 + n % 7, 100, 1000, 9000, 500, 1500,
        CAST(:hour AS bigint) + 59, '{{"40": 8, "44": 2}}'
    FROM caller"""
_REFUSED: Final = f"""
    INSERT INTO usage_callers ({_NAMES}, latencies) {_CALLERS}
    SELECT 60, CAST(:hour AS bigint), 'default', 'api-' || (n % {APIS}), 'Default', 'k' || (n + 1), 'key_rate', '', '',
        429, 1 + n % 3, 0, 10, 200, 100, 200, CAST(:hour AS bigint) + 30, '{{"30": 2}}'
    FROM caller WHERE (n + CAST(:hour AS bigint) / 60) % 50 = 0"""
_LONGER: Final = f"""
    INSERT INTO usage_callers ({_NAMES})
    SELECT :grain, CAST(:start AS bigint), org_id, api_id, version, identity, reason, endpoint, tags, status,
        sum(count), sum(bytes_in), sum(bytes_out), sum(latency_us), min(min_us), max(max_us), max(last_minute)
    FROM usage_callers WHERE grain = :finer AND at >= :start AND at < :end
    GROUP BY org_id, api_id, version, identity, reason, endpoint, tags, status"""
_TRAFFIC: Final = f"""
    INSERT INTO usage_traffic ({_NAMES.replace("identity, ", "")}, latencies)
    SELECT grain, at, org_id, api_id, version, reason, endpoint, tags, status,
        sum(count), sum(bytes_in), sum(bytes_out), sum(latency_us), min(min_us), max(max_us), max(last_minute),
        '{{{_SPREAD}}}'
    FROM usage_callers WHERE grain = :grain AND at >= :start AND at < :end
    GROUP BY grain, at, org_id, api_id, version, reason, endpoint, tags, status"""
_ENTRIES: Final = """
    INSERT INTO request_log
        (at, api_id, identity, key_hash, name, method, path, status, reason, client_ip, org_id, trace)
    SELECT at * 60.0, api_id, identity, 'ff', '', 'GET', '/orders/1', status, reason, '203.0.113.7', org_id, ''
    FROM usage_callers WHERE grain = 60 AND at >= :start AND at < :end AND (status = 429 OR identity LIKE 'k%7')"""


async def fill(connection: AsyncConnection, callers: int, days: int, end: int) -> None:
    """Of the days before the minute `end`, which begins one. The index is made at the end: that takes a tenth."""
    first = end - days * Grain.DAY
    await _run(connection, f"DROP INDEX {_INDEX}")
    for hour in range(first, end, Grain.HOUR):
        given = {"hour": hour, "callers": callers}
        await _run(connection, _SERVED, **given, tags="\nnight\n")
        await _run(connection, _REFUSED, **given)
    for finer, grain in SUMMED_UP:
        for start in _starts(first, end, grain):
            await _run(connection, _LONGER, grain=int(grain), finer=int(finer), start=start, end=start + grain)
    for start in _starts(first, end, Grain.DAY):
        for grain in (Grain.HOUR, Grain.DAY):
            await _run(connection, _TRAFFIC, grain=int(grain), start=start, end=start + Grain.DAY)
        await _run(connection, _ENTRIES, start=start, end=start + Grain.DAY)
    await _run(connection, f"CREATE INDEX {_INDEX} ON usage_callers (identity, grain, at)")


def _starts(first: int, end: int, grain: Grain) -> Iterator[int]:
    yield from range(grain.start(first), end, grain)


async def _run(connection: AsyncConnection, statement: str, **values: Any) -> None:
    await connection.execute(text(statement), values)
