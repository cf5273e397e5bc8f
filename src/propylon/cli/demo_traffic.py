"""Example traffic of `propylon demo`, so that the pages of the dashboard show something: a few callers, some refused.

Its callers are not those of the printed commands, whose limits are left to whoever tries them.
"""

import hashlib
import random
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

PAUSE_S: Final = 0.4  # between two requests, on average
TOKEN_LIFE_S: Final = 300
ANSWERED_WITHIN_S: Final = 10.0
JWT_KEY_ID: Final = "mobile-app"
SUBJECTS: Final = ("alice", "bob", "carol")
PATHS: Final = ("orders", "orders/17", "invoices", "status", "customers?page=2")


class TrafficKeys(NamedTuple):
    """Of the example callers; the same in each run of one demo folder."""

    warehouse: str  # a plain token
    importer: str  # the same, with a limit that it overruns
    mobile_secret: str  # signs the JWTs of the key `mobile-app`


class Ask(NamedTuple):
    """One request: its path, and what it sends as Authorization, "" for nothing."""

    path: str
    credential: str = ""


def traffic_keys(seed: str) -> TrafficKeys:
    """Drawn from the demo's own secret, so that nothing more has to be kept."""
    return TrafficKeys(*(hashlib.sha256(f"{seed} {name}".encode()).hexdigest() for name in TrafficKeys._fields))


def sessions(keys: TrafficKeys) -> dict[str, dict[str, Any]]:
    """The keys to create, by ID."""
    free = {
        "org_id": "default",
        "rate": 600,
        "per": 60,
        "quota_max": 100_000,
        "quota_renewal_rate": 86_400,
        "expires": -1,
    }
    token, per_key = _right("auth-token", "Auth token"), _right("jwt-per-key", "JWT per key")
    return {
        keys.warehouse: {**free, "alias": "Warehouse sync", "tags": ["batch"], "access_rights": token},
        keys.importer: {**free, "rate": 3, "alias": "Nightly import", "tags": ["batch"], "access_rights": token},
        JWT_KEY_ID: {
            **free,
            "alias": "Mobile app",
            "tags": ["mobile"],
            "access_rights": per_key,
            "jwt_data": {"secret": keys.mobile_secret},
        },
    }


def keep_asking(url: str, keys: TrafficKeys, idp_private_pem: str, stop: threading.Event) -> None:
    """Until told to stop. What fails is asked again later: the gateway may be starting or ending."""
    chance = random.Random()
    for ask in asks(keys, idp_private_pem, chance, lambda: int(time.time())):  # noqa: TID251 - as a client would
        if stop.wait(chance.expovariate(1 / PAUSE_S)):
            return
        _send(url, ask)


def asks(keys: TrafficKeys, idp_private_pem: str, chance: random.Random, now: Callable[[], int]) -> Iterator[Ask]:
    """Without end: most are let in, and each common reason to be refused comes by."""
    idp, mobile = RSAKey.import_key(idp_private_pem), OctKey.import_key(keys.mobile_secret)
    while True:
        path, subject = chance.choice(PATHS), chance.choice(SUBJECTS)
        weighted = _weighted(keys, idp, mobile, path, {"sub": subject, "iat": now(), "pol": "partner"})
        yield chance.choices([ask for ask, _ in weighted], [weight for _, weight in weighted])[0]


def _weighted(
    keys: TrafficKeys, idp: RSAKey, mobile: OctKey, path: str, claims: dict[str, Any]
) -> list[tuple[Ask, int]]:
    """Asks, and how many of a hundred are like them."""
    good = claims | {"exp": claims["iat"] + TOKEN_LIFE_S}
    expired = claims | {"exp": claims["iat"] - TOKEN_LIFE_S}
    return [
        (Ask(f"jwt-per-key/{path}", _bearer(mobile, {"kid": JWT_KEY_ID}, good)), 30),
        (Ask(f"jwt-shared/{path}", _bearer(idp, {}, good)), 25),
        (Ask(f"auth-token/{path}", keys.warehouse), 20),
        (Ask(f"auth-token/{path}", keys.importer), 10),
        (Ask(f"keyless/{path}"), 8),
        (Ask(f"jwt-per-key/{path}", _bearer(mobile, {"kid": JWT_KEY_ID[:-1]}, good)), 2),
        (Ask(f"jwt-per-key/{path}", _bearer(mobile, {"kid": JWT_KEY_ID}, expired)), 2),
        (Ask(f"jwt-shared/{path}", _bearer(idp, {}, good | {"pol": "no-such-policy"})), 1),
        (Ask(f"auth-token/{path}", keys.warehouse[:-1]), 1),
        (Ask(f"no-such-api/{path}"), 1),
    ]


def _right(api_id: str, name: str) -> dict[str, Any]:
    return {api_id: {"api_id": api_id, "api_name": name, "versions": ["Default"]}}


def _bearer(key: Any, header: dict[str, Any], claims: dict[str, Any]) -> str:
    algorithm = "HS256" if isinstance(key, OctKey) else "RS256"
    return f"Bearer {jwt.encode({'alg': algorithm, **header}, claims, key)}"


def _send(url: str, ask: Ask) -> None:
    fields = {"Authorization": ask.credential} if ask.credential else {}
    request = urllib.request.Request(f"{url}/{ask.path}", headers=fields)
    try:
        urllib.request.urlopen(request, timeout=ANSWERED_WITHIN_S).close()
    except OSError:  # an answer of 400 or above is one, too
        return
