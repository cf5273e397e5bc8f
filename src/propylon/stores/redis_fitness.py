"""Whether a Redis is one that meters can be kept in, judged by what it says of itself (INFO). No I/O.

INFO rather than CONFIG GET: hosted Redis often forbids CONFIG, and INFO has all that is asked here. It does not have
`appendfsync`: with `everysec`, its default, a Redis that is killed while an fsync runs forgets what it answered since
that began (16 of 140 charges were seen to go); with `always` it forgets nothing.
"""

from typing import Final

from propylon.errors import Problem, StoreUnavailable
from propylon.stores.redis_url import RedisTarget

VERSION_MIN: Final = (7, 0)  # flags of scripts; Valkey began at 7.2 and says so


class UnfitMeters(StoreUnavailable):
    """The server is there, and is not one that counters can be kept in: whoever set it up has to change something."""


def read_info(text: bytes) -> dict[str, str]:
    lines = (line.partition(":") for line in text.decode(errors="replace").splitlines())
    return {name: value for name, separator, value in lines if separator}


def demand_fit(info: dict[str, str], target: RedisTarget, *, require_durable: bool) -> None:
    """Raises StoreUnavailable for what may pass by itself, else UnfitMeters, each with the remedy."""
    version = info.get("redis_version", "0")
    if tuple(int(part) for part in version.split(".")[:2] if part.isdigit()) < VERSION_MIN:
        raise UnfitMeters(f"Redis at {target} is {version}; 7.0 or newer is needed, or any Valkey")
    if (info.get("cluster_enabled") == "1") != target.is_cluster:
        remedy = "is no Cluster; write redis" if target.is_cluster else "is a Cluster; write redis+cluster"
        raise UnfitMeters(f"Redis at {target} {remedy} at the begin of meters_url")
    if info.get("loading") == "1":
        raise StoreUnavailable(f"Redis at {target} is still reading its data")
    if info.get("role") != "master":
        raise StoreUnavailable(f"Redis at {target} is a replica; name its master, or its Sentinels (redis+sentinel)")
    problems = durability_problems(info)
    if require_durable and problems:
        raise UnfitMeters(f"Redis at {target}: {'; '.join(problem.message for problem in problems)}")


def durability_problems(info: dict[str, str]) -> list[Problem]:
    """Why counters, quotas and `head` may be forgotten."""
    problems = []
    if info.get("aof_enabled") != "1":
        text = "a Redis without appendonly forgets every quota when it dies; set appendonly yes"
        problems.append(Problem("meters_url", "meters_not_durable", text))
    policy = info.get("maxmemory_policy", "unknown")
    if policy != "noeviction":
        text = f"maxmemory-policy {policy} lets Redis forget meters that still count; set it to noeviction"
        problems.append(Problem("meters_url", "meters_may_be_evicted", text))
    return problems
