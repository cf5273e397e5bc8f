"""The rows: which proxy is asked for what, by whom, how fast. Makes the callers of a row; measures nothing."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from bench.gateway import COLD_KEYS, FRESH_TOKENS, Gateway, policy, session
from bench.load import Mode
from bench.tokens import HMAC_SECRET, hs256_token, rs256_tokens

JWT_KEY_ID = "bench-jwt-key"
PLAIN_KEY_ID = "bench-plain-key"
QUIET_RATE_PER_S = 2000.0  # what a loaded gateway serves easily, so that only the flood can spoil it
FLOOD_RATE_PER_S = 10_000.0


class Row(NamedTuple):
    """One line of the table."""

    name: str
    title: str
    proxy: str  # "nginx" | "haproxy" | "propylon"
    path: str
    callers: str  # name of a maker in CALLERS
    mode: Mode = "constant"
    is_guarded: bool = True  # a caller that must not get in is tried first
    rate_per_s: float = 0  # 0 = as fast as answers come
    half_of: str = ""  # or half of what this row reached
    flood: Literal["", "proxy", "origin"] = ""  # who gets unknown keys on the same path meanwhile


NGINX_TITLE = "nginx, bare proxy_pass"
LIMITS_TITLE = "Propylon, JWT + rate limit + quota + usage"

ROWS = (
    Row("nginx", NGINX_TITLE, "nginx", "/", "hs256", is_guarded=False),
    Row("haproxy", "HAProxy, HS256 jwt_verify + rate counter", "haproxy", "/", "hs256"),
    Row("keyless", "Propylon, keyless", "propylon", "/keyless/", "hs256", is_guarded=False),
    Row("jwt", "Propylon, JWT HS256 cached, no limits", "propylon", "/jwt/", "hs256"),
    Row("jwt-limits", LIMITS_TITLE, "propylon", "/jwt-limits/", "hs256"),
    Row(  # what clients and origins cost that never send the same field lines twice
        "jwt-limits-traced",
        "the same, every request and answer with an id of its own",
        "propylon",
        "/jwt-limits/traced/",
        "hs256",
        "traced",
    ),
    Row("rs256", "Propylon, JWT RS256 cached, no limits", "propylon", "/rs256/", "rs256"),
    Row("rs256-fresh", "Propylon, fresh RS256 token per request", "propylon", "/rs256/", "rs256", "rotating"),
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
        "hs256",
        is_guarded=False,
        half_of="jwt-limits",
    ),
    Row("half", f"{LIMITS_TITLE}, at half load", "propylon", "/jwt-limits/", "hs256", half_of="jwt-limits"),
)


def hs256_callers(gateway: Gateway | None) -> list[str]:
    """The same bytes for every proxy; Propylon also has to know the key."""
    if gateway is not None:
        gateway.put_key(JWT_KEY_ID, {**session(["jwt", "jwt-limits"]), "jwt_data": {"secret": HMAC_SECRET}})
    return [f"Bearer {hs256_token(JWT_KEY_ID)}"]


def rs256_callers(gateway: Gateway | None) -> list[str]:
    assert gateway is not None, "only Propylon has such rows"
    gateway.put_policy(policy(["rs256"]))
    return [f"Bearer {token}" for token in rs256_tokens(FRESH_TOKENS)]


def one_key(gateway: Gateway | None) -> list[str]:
    return _keys(gateway, [PLAIN_KEY_ID])


def cold_keys(gateway: Gateway | None) -> list[str]:
    return _keys(gateway, [f"bench-cold-key-{number:05d}" for number in range(COLD_KEYS)])


def _keys(gateway: Gateway | None, key_ids: list[str]) -> list[str]:
    assert gateway is not None, "only Propylon has such rows"
    for key_id in key_ids:
        gateway.put_key(key_id, session(["key"]))
    return key_ids


CALLERS: Mapping[str, Callable[[Gateway | None], list[str]]] = {
    "hs256": hs256_callers,
    "rs256": rs256_callers,
    "key": one_key,
    "key-cold": cold_keys,
}


class CallerFiles:
    """Makes each set of callers once per proxy, and writes it where wrk reads it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def file(self, row: Row, gateway: Gateway | None) -> Path:
        path = self._folder / f"{row.proxy}-{row.callers}"
        if not path.exists():
            path.write_text("\n".join(CALLERS[row.callers](gateway)) + "\n")
        return path
