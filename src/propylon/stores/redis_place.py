"""Where the server is that keeps the meters now: as named, as Sentinel says, or as the Cluster's nodes say.

Asked whenever a connection is made. The connections that this takes are not kept: it is done once in a long while.
"""

import ssl
from typing import Any, Final

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff
from redis.crc import key_slot
from redis.exceptions import ClusterDownError, RedisError

from propylon.stores.redis_scripts import PREFIX
from propylon.stores.redis_url import RedisTarget

SLOT: Final = key_slot(PREFIX)  # of every key, by the hash tag in PREFIX


async def place(target: RedisTarget, timeout_s: float) -> tuple[str, int]:
    """Host and port. Raises RedisError, OSError or TimeoutError when nobody says."""
    if target.service:
        return await _master(target, timeout_s)
    return await _owner(target, timeout_s) if target.is_cluster else target.hosts[0]


def tls(target: RedisTarget) -> dict[str, Any]:
    return {**target.files, "ssl_min_version": ssl.TLSVersion.TLSv1_2}


async def _master(target: RedisTarget, timeout_s: float) -> tuple[str, int]:
    """Asks one Sentinel after the other."""
    own = _arguments(target, timeout_s, target.sentinel_username, target.sentinel_password)
    sentinel = Sentinel(target.hosts, sentinel_kwargs=own)  # type: ignore[no-untyped-call]  # redis-py leaves it so
    try:
        host, port = await sentinel.discover_master(target.service)
        return str(host), int(port)
    finally:
        await sentinel.aclose()


async def _owner(target: RedisTarget, timeout_s: float) -> tuple[str, int]:
    """Asks one node after the other, and believes the first that answers: a wrong one is corrected by the next call."""
    arguments = _arguments(target, timeout_s, target.username, target.password)
    failure: RedisError | OSError = ClusterDownError("no node of the Cluster says who has the slot of these meters")
    for host, port in target.hosts:
        try:
            async with Redis(host=host, port=port, **arguments) as node:
                slots = await node.execute_command("CLUSTER SLOTS")  # type: ignore[no-untyped-call]  # the same
        except (RedisError, OSError) as error:
            if "cluster support disabled" in str(error):
                return host, port  # it will say so in INFO, too, and is refused for that
            failure = error
            continue
        for first, last, master, *_ in slots:
            if first <= SLOT <= last:
                return (master[0] or host.encode()).decode(), int(master[1])  # no name: where it was asked
    raise failure


def _arguments(target: RedisTarget, timeout_s: float, username: str, password: str) -> dict[str, Any]:
    """Of a client that asks one of the hosts; each has a share of the time that there is."""
    share_s = timeout_s / (len(target.hosts) + 1)
    return {
        "username": username or None,
        "password": password or None,
        "driver_info": None,
        "protocol": 2,
        "retry": Retry(NoBackoff(), 0),
        "socket_timeout": share_s,
        "socket_connect_timeout": share_s,
        **({"ssl": True, **tls(target)} if target.is_tls else {}),
    }
