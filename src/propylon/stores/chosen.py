"""Which stores the URLs of a node mean, opened by the process that uses them, after the fork.

Clients of servers are imported only where a URL asks for one: they would lengthen every start of a single machine.
"""

import importlib
import logging
import socket
from collections.abc import Awaitable, Callable
from typing import Final

from propylon.clock import SystemClock
from propylon.errors import StoreUnavailable
from propylon.settings import Settings
from propylon.stores.fleet_meters import FleetMeters, OutageRules
from propylon.stores.lmdb import LmdbMeters, open_meters
from propylon.stores.ports import Lookups, NodeMeters
from propylon.stores.records import opening_lookups
from propylon.stores.records.lookups import SqliteLookups

log = logging.getLogger("propylon.stores")
USAGE_LINES_MAX: Final = 200_000  # a line per worker and second: a day of a control process that is away


def open_lookups(settings: Settings) -> Lookups:
    """A worker's view of the records. Raises StoreUnavailable."""
    if settings.has_postgres:
        return opening_lookups.open_lookups(settings.records_url, timeout_s=settings.store_timeout_s)
    return SqliteLookups(settings.records_path)


async def open_node_meters(settings: Settings, revision: Callable[[], Awaitable[int]]) -> NodeMeters:
    """`revision` reads the newest one of the records, for the time that shared meters are away.

    A node may start while they are: a worker that died then would have no successor. Raises StoreUnavailable when its
    own cannot be opened, or the shared ones are not fit.
    """
    own = _own_meters(settings)
    if not settings.has_redis:
        return own
    redis = importlib.import_module("propylon.stores.redis_meters")
    try:
        shared = redis.RedisMeters(
            settings.meters_url,
            usage_lines_max=USAGE_LINES_MAX,
            clock=None,
            require_durable=settings.require_durable_meters,
            timeout_s=settings.store_timeout_s,
        )
    except ValueError as error:  # a URL of a form that only its reader knows to be wrong
        await own.close()
        raise StoreUnavailable(str(error)) from None
    try:
        await shared.connect()
    except redis.UnfitMeters:
        await shared.close()
        await own.close()
        raise
    except StoreUnavailable as failure:
        log.warning("the shared meters are away: %s", failure.detail)
    for problem in shared.durability_problems():
        log.warning("%s: %s", problem.code, problem.message)
    rules = OutageRules(settings.quota_outage == "allow", settings.outage_grace_s, settings.follow_interval_s)
    return FleetMeters(shared, own, revision, rules, node_name(settings), SystemClock())


def node_name(settings: Settings) -> str:
    """One a folder: two gateways of one machine are two nodes."""
    return f"{socket.gethostname()}:{settings.data_dir.resolve()}"


def _own_meters(settings: Settings) -> LmdbMeters:
    return open_meters(
        settings.meters_dir,
        meters_map_bytes=settings.meters_map_bytes,
        usage_map_bytes=settings.usage_map_bytes,
        usage_lines_max=USAGE_LINES_MAX,
    )
