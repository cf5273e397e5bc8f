"""FirstUse: a token whose `jti` was used before is refused (`jwt_jti_validation.once`; RFC 7519 §4.1.7).

The meters remember, so it holds across workers. Stands after what the caller may do and before what it costs: a request
without rights does not use a token up, and a replay costs its owner nothing. One a rate limit refuses has been used.
"""

from hashlib import sha256

from propylon.errors import Denial
from propylon.exchange import Exchange
from propylon.steps.jwt_refusals import REPLAYED
from propylon.steps.step import Surroundings


class FirstUse:
    """Of one API: the same token may be used once on each API that asks for it."""

    def __init__(self, api_id: str, surroundings: Surroundings) -> None:
        self._api_id = api_id
        self._meters = surroundings.meters

    async def __call__(self, exchange: Exchange) -> Denial | None:
        assert exchange.claims is not None
        assert exchange.caller is not None
        name = self._name(exchange.caller.identity.record, exchange.claims["jti"])
        if exchange.first_use == name:  # decided anew: it is still the same request
            return None
        if not await self._meters.first_use(name, exchange.verified_until):
            return REPLAYED
        exchange.first_use = name
        return None

    def _name(self, identity: str, jti: str) -> bytes:
        """A jti is unique with its issuer (§4.1.7), of whom the identity is a part; lengths part the texts."""
        parts = [part.encode() for part in (self._api_id, identity, jti)]
        return sha256(b"".join(b"%d:%b" % (len(part), part) for part in parts)).digest()
