"""The rows: which proxy is asked for what, by whom, how fast. Makes the callers of a row; measures nothing."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

from bench.gateway import ALGORITHMS, COLD_KEYS, FRESH_TOKENS, policy, session
from bench.load import Mode
from bench.tokens import HMAC_SECRET, hs256_token, signed_tokens

JWT_KEY_ID = "bench-jwt-key"
PLAIN_KEY_ID = "bench-plain-key"
QUIET_RATE_PER_S = 2000.0  # what a loaded gateway serves easily, so that only the flood can spoil it
FLOOD_RATE_PER_S = 10_000.0


class Operator(Protocol):
    """Who gives a Propylon under test what the callers of a row need."""

    def put_key(self, key_id: str, session: Mapping[str, Any]) -> None: ...

    def put_policy(self, policy: Mapping[str, Any]) -> None: ...


class Share(NamedTuple):
    of: str  # name of a row that comes before
    part: float


class Row(NamedTuple):
    """One line of the table."""

    name: str
    title: str
    proxy: str  # "nginx" | "haproxy" | "propylon" | "fleet": Propylon on Redis and PostgreSQL
    path: str
    callers: str  # name of a maker in CALLERS
    mode: Mode = "constant"
    is_guarded: bool = True  # a caller that must not get in is tried first
    rate_per_s: float = 0  # 0 = as fast as answers come
    share: Share | None = None  # or a share of what another row reached
    flood: Literal["", "proxy", "origin"] = ""  # who gets unknown keys on the same path meanwhile


NGINX_TITLE = "nginx, bare proxy_pass"
LIMITS_TITLE = "Propylon, JWT + rate limit + quota + usage"
FLEET_TITLE = "the same on Redis and PostgreSQL"

ROWS = (
    Row("nginx", NGINX_TITLE, "nginx", "/", "per-key", is_guarded=False),
    Row("haproxy", "HAProxy, HS256 jwt_verify + rate counter", "haproxy", "/", "per-key"),
    Row("keyless", "Propylon, keyless", "propylon", "/keyless/", "per-key", is_guarded=False),
    Row("jwt", "Propylon, JWT HS256 cached, no limits", "propylon", "/jwt/", "per-key"),
    Row("jwt-limits", LIMITS_TITLE, "propylon", "/jwt-limits/", "per-key"),
    Row(  # what clients and origins cost that never send the same field lines twice
        "jwt-limits-traced",
        "the same, every request and answer with an id of its own",
        "propylon",
        "/jwt-limits/traced/",
        "per-key",
        "traced",
    ),
    *(
        row
        for name, algorithm in ALGORITHMS.items()
        for row in (
            Row(name, f"Propylon, JWT {algorithm} of one issuer, cached", "propylon", f"/{name}/", name),
            Row(f"{name}-fresh", "the same, fresh token per request", "propylon", f"/{name}/", name, "rotating"),
        )
    ),
    Row("key", "Propylon, plain key, no limits", "propylon", "/key/", "key"),
    Row("key-cold", "Propylon, cold key per request", "propylon", "/key/", "key-cold", "rotating"),
    Row("quiet", "Propylon, plain key at 2,000/s", "propylon", "/key/", "key", rate_per_s=QUIET_RATE_PER_S),
    Row(  # what the flood costs the good requests by keeping the generator's core busy
        "control",
        "the same, 10,000 unknown keys/s sent to the origin instead",
        "propylon",
        "/key/",
        "key",
        rate_per_s=QUIET_RATE_PER_S,
        flood="origin",
    ),
    Row(
        "flood",
        "the same, 10,000 unknown keys/s sent to Propylon",
        "propylon",
        "/key/",
        "key",
        rate_per_s=QUIET_RATE_PER_S,
        flood="proxy",
    ),
    Row(
        "nginx-half",
        f"{NGINX_TITLE}, at half the next row's most",
        "nginx",
        "/",
        "per-key",
        is_guarded=False,
        share=Share("jwt-limits", 1 / 2),
    ),
    Row(
        "half", f"{LIMITS_TITLE}, at half load", "propylon", "/jwt-limits/", "per-key", share=Share("jwt-limits", 1 / 2)
    ),
    Row(
        "tenth", f"{LIMITS_TITLE}, at a tenth", "propylon", "/jwt-limits/", "per-key", share=Share("jwt-limits", 1 / 10)
    ),
    Row("fleet", FLEET_TITLE, "fleet", "/jwt-limits/", "per-key"),
    Row("fleet-half", f"{FLEET_TITLE}, at half load", "fleet", "/jwt-limits/", "per-key", share=Share("fleet", 1 / 2)),
    Row("fleet-tenth", f"{FLEET_TITLE}, at a tenth", "fleet", "/jwt-limits/", "per-key", share=Share("fleet", 1 / 10)),
    Row("fleet-cold", "Propylon on PostgreSQL, cold key per request", "fleet", "/key/", "key-cold", "rotating"),
)


def per_key_callers(operator: Operator | None) -> list[str]:
    """The same bytes for every proxy; Propylon also has to know the key."""
    if operator is not None:
        operator.put_key(JWT_KEY_ID, {**session(["jwt", "jwt-limits"]), "jwt_data": {"secret": HMAC_SECRET}})
    return [f"Bearer {hs256_token(JWT_KEY_ID)}"]


def issued(algorithm: str) -> Callable[[Operator | None], list[str]]:
    """Callers with tokens that one issuer signed."""

    def callers(operator: Operator | None) -> list[str]:
        assert operator is not None, "only Propylon has such rows"
        operator.put_policy(policy(list(ALGORITHMS)))
        return [f"Bearer {token}" for token in signed_tokens(algorithm, FRESH_TOKENS)]

    return callers


def one_key(operator: Operator | None) -> list[str]:
    return _keys(operator, [PLAIN_KEY_ID])


def cold_keys(operator: Operator | None) -> list[str]:
    return _keys(operator, [f"bench-cold-key-{number:05d}" for number in range(COLD_KEYS)])


def _keys(operator: Operator | None, key_ids: list[str]) -> list[str]:
    assert operator is not None, "only Propylon has such rows"
    for key_id in key_ids:
        operator.put_key(key_id, session(["key"]))
    return key_ids


CALLERS: Mapping[str, Callable[[Operator | None], list[str]]] = {
    "per-key": per_key_callers,
    **{name: issued(algorithm) for name, algorithm in ALGORITHMS.items()},
    "key": one_key,
    "key-cold": cold_keys,
}


class CallerFiles:
    """Makes each set of callers once per proxy, and writes it where wrk reads it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def file(self, row: Row, operator: Operator | None) -> Path:
        path = self._folder / f"{row.proxy}-{row.callers}"
        if not path.exists():
            path.write_text("\n".join(CALLERS[row.callers](operator)) + "\n")
        return path
