"""Issuer: a server on 127.0.0.1 that publishes a key set and signs tokens, behaves as told and remembers who asked.

`issuers_of` makes the product's own `Issuers` that reach no further than this machine.
"""

import json
from collections.abc import Mapping
from typing import Any, Self

from propylon.clock import Clock
from propylon.model.issuer_settings import IssuerSettings
from propylon.snapshot.issuer_fetch import IssuerFetch
from propylon.snapshot.issuers import Issuers
from propylon.snapshot.renewal import Fetch, FetchRules, Renewal
from propylon.snapshot.stored_keys import StoredKeys
from propylon.stores.ports import Meters
from propylon.telemetry.counters import Counters
from tests.kit import tokens
from tests.kit.answers import Answer, Call, Fields, reply
from tests.kit.origin import SAFETY_S, Origin

KEYS = "/keys"
CONFIGURATION = "/.well-known/openid-configuration"


class Issuer:
    """Use it in a `with`. What is set on it counts from the next request on."""

    def __init__(self, **keys: tokens.Key) -> None:
        self.keys: dict[str, tokens.Key] = dict(keys)  # by kid
        self.fields: Fields = ()  # Cache-Control and the like
        self.answer: Answer | None = None  # instead of the key set
        self.named_as = ""  # as its configuration names it; "" = as it is
        self._origin = Origin({KEYS: self._key_set, CONFIGURATION: self._configuration})

    def __enter__(self) -> Self:
        self._origin.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._origin.__exit__(*error)

    @property
    def url(self) -> str:
        """Its name, in `iss`."""
        return self._origin.url

    @property
    def keys_url(self) -> str:
        return self.url + KEYS

    @property
    def configuration_url(self) -> str:
        return self.url + CONFIGURATION

    @property
    def fetches(self) -> int:
        """How often the key set was asked for."""
        return sum(request.target.split("?")[0] == KEYS for request in self._origin.requests)

    def release(self) -> None:
        """Lets an answer go on that stalls."""
        self._origin.release()

    def wait_for(self, requests: int) -> None:
        self._origin.wait_for(requests)

    def settings(self, **members: Any) -> IssuerSettings:
        """As a definition would name it by the URL of its key set."""
        return IssuerSettings(**({"issuer": self.url, "jwks_uris": (self.keys_url,)} | members))

    def rotate(self, **keys: tokens.Key) -> None:
        """Publishes these keys and no others."""
        self.keys = dict(keys)

    def token(self, claims: Mapping[str, Any], kid: str, alg: str, **header: Any) -> str:
        return tokens.sign({"iss": self.url, **claims}, self.keys[kid], alg, kid=kid, **header)

    async def _key_set(self, call: Call) -> None:
        document = {"keys": [tokens.public_jwk(key, kid=kid) for kid, key in self.keys.items()]}
        await (self.answer or reply(200, json.dumps(document).encode(), self.fields))(call)

    async def _configuration(self, call: Call) -> None:
        document = {"issuer": self.named_as or self.url, "jwks_uri": self.keys_url}
        await reply(200, json.dumps(document).encode())(call)


async def this_machine(host: str, port: int) -> list[str]:
    """A resolver that knows one address, so that no test reaches out."""
    if host not in ("127.0.0.1", "localhost"):
        raise OSError(f"{host} is not this machine")
    return ["127.0.0.1"]


def issuers_of(
    meters: Meters,
    clock: Clock,
    counters: Counters | None = None,
    *,
    wait_s: float = SAFETY_S,
    stale_max_s: float = 86_400,
    fetch: Fetch | None = None,
) -> Issuers:
    """As `snapshot/assembly.py` makes them, but for the resolver, or for a `fetch` of the test's own."""
    rules = FetchRules(wait_s, cache_min_s=30, cache_max_s=3600, allow_insecure=True)
    fetch = fetch or IssuerFetch(wait_s, allow_insecure=True, resolve=this_machine)
    keys = StoredKeys(meters, clock, stale_max_s)
    return Issuers(keys, Renewal(keys, meters, clock, rules, fetch, counters or Counters(0)), clock)
