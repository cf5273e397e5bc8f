"""Where a Redis is, read from one URL. Opens and resolves nothing; no error or text of this module shows a password.

    redis://[user:password@]host[:port][/database]
    redis+sentinel://[user:password@]host[:port],host[:port],…/service[/database]
    redis+cluster://[user:password@]host[:port],host[:port],…

`rediss` in the place of `redis` speaks TLS, with the servers and with Sentinel alike. After a `?`: `ssl_ca_certs`,
`ssl_certfile`, `ssl_keyfile` (paths, called as redis-py calls them), and `sentinel_username`, `sentinel_password` where
Sentinel asks for credentials of its own. What stands in a URL for something else is percent-encoded.
"""

from dataclasses import dataclass, field
from typing import Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

REDIS_PORT: Final = 6379
SENTINEL_PORT: Final = 26379

_SCHEMES: Final = ("redis", "rediss", "redis+sentinel", "rediss+sentinel", "redis+cluster", "rediss+cluster")
_FILES: Final = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
_SENTINEL_OWN: Final = ("sentinel_username", "sentinel_password")
_EXAMPLES: Final = "write redis://user:password@host:6379/0 or redis+sentinel://host:26379,host:26379/service/0"


@dataclass(frozen=True, slots=True)
class RedisTarget:
    """One Redis: a server, or whichever one Sentinel names as master of a service, or a Cluster as that of our slot."""

    hosts: tuple[tuple[str, int], ...]  # of the server (one), of the Sentinels, or of some nodes of the Cluster
    service: str  # as Sentinel calls it, "" = no Sentinel
    database: int
    username: str
    password: str = field(repr=False)
    is_tls: bool
    files: dict[str, str]  # paths by redis-py's names
    sentinel_username: str
    sentinel_password: str = field(repr=False)
    is_cluster: bool = False

    def __str__(self) -> str:
        """For logs and errors."""
        hosts = ",".join(f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in self.hosts)
        return f"{self.service} of {hosts}" if self.service else f"Cluster {hosts}" if self.is_cluster else hosts


def parse_redis_url(url: str) -> RedisTarget:
    """Raises ValueError, which says what is wrong and the remedy, and holds nothing of what may be secret."""
    try:
        return _target(url)
    except ValueError as error:
        raise ValueError(f"meters_url {error}") from None


def _target(url: str) -> RedisTarget:
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ValueError(f"is no URL; {_EXAMPLES}") from None
    if parts.scheme not in _SCHEMES:
        raise ValueError(f"does not begin with one of {', '.join(_SCHEMES)}; {_EXAMPLES}")
    userinfo, _, hosts = parts.netloc.rpartition("@")
    username, _, password = userinfo.partition(":")
    is_sentinel, is_cluster = parts.scheme.endswith("+sentinel"), parts.scheme.endswith("+cluster")
    service, database = _path(parts, is_sentinel=is_sentinel)
    if is_cluster and database:
        raise ValueError("names a database, of which a Cluster has one; leave the number out")
    query = _query(parts, is_sentinel=is_sentinel)
    return RedisTarget(
        hosts=_hosts(hosts, SENTINEL_PORT if is_sentinel else REDIS_PORT, may_be_several=is_sentinel or is_cluster),
        service=service,
        database=database,
        username=unquote(username),
        password=unquote(password),
        is_tls=parts.scheme.startswith("rediss"),
        files={name: query[name] for name in _FILES if name in query},
        sentinel_username=query.get("sentinel_username", ""),
        sentinel_password=query.get("sentinel_password", ""),
        is_cluster=is_cluster,
    )


def _hosts(text: str, default_port: int, *, may_be_several: bool) -> tuple[tuple[str, int], ...]:
    hosts = tuple(_host(one, default_port) for one in text.split(","))
    if len(hosts) > 1 and not may_be_several:
        raise ValueError(
            "names several servers; counters are kept in one: name it, its Sentinels (redis+sentinel), "
            "or the Cluster they are of (redis+cluster)"
        )
    return hosts


def _host(text: str, default_port: int) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.path or parts.query:
        raise ValueError(f"names no host, or a port that is not a number; {_EXAMPLES}")
    return host, default_port if port is None else port


def _path(parts: SplitResult, *, is_sentinel: bool) -> tuple[str, int]:
    names = [unquote(name) for name in parts.path.split("/") if name]
    service = names.pop(0) if is_sentinel and names else ""
    if is_sentinel and not service:
        raise ValueError(f"names no service for Sentinel to find; {_EXAMPLES}")
    database = names.pop(0) if names else "0"
    if names or not (database.isascii() and database.isdigit()):
        raise ValueError(f"has a path that is no database number; {_EXAMPLES}")
    return service, int(database)


def _query(parts: SplitResult, *, is_sentinel: bool) -> dict[str, str]:
    if parts.fragment:
        raise ValueError("has a #, which has no meaning here; write %23 if it belongs to a name or password")
    try:
        query = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
    except ValueError:
        raise ValueError("has a query that is no list of name=value; percent-encode a ? of a password") from None
    for name in query:
        if name not in _FILES + _SENTINEL_OWN:
            raise ValueError(f"has an unknown name in its query; known are {', '.join(_FILES + _SENTINEL_OWN)}")
        if name in _FILES and not parts.scheme.startswith("rediss"):
            raise ValueError(f"has {name}, which is of TLS; write rediss in the place of redis")
        if name in _SENTINEL_OWN and not is_sentinel:
            raise ValueError(f"has {name} but no Sentinel; write redis+sentinel or leave it out")
    return query
