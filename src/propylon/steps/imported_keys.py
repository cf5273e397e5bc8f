"""An unknown key ID may be the first good use of an imported key, whose ID nobody here knows yet (auth.md §10.3).

A worker decides nothing about it: it asks the control process, which decides within a transaction, so that two IDs with
one legacy hash cannot both be let in by two workers. Once the key is pinned, the refusal of this exchange no longer
stands, and it is decided again. Organisations without imports are spared all of this. Unknown IDs are counted, as each
is a guess: while some key waits for its ID, they are throttled.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from propylon.errors import ControlUnavailable, Denial, LookupsExhausted
from propylon.exchange import Exchange
from propylon.http.client_address import counted_as
from propylon.model.charge import Charge, Claim, Kind
from propylon.steps.meter_names import guess_meter
from propylon.stores.ports import Lookups, Meters

GUESSES_OF_ADDRESS_MAX: Final = 30  # unknown IDs a minute
GUESSES_MAX: Final = 600  # the same of all addresses, per organisation: 4 × 10^9 hashes are not tried in a lifetime
GUESSES_WITHIN_S: Final = 60
ASKED_MAX: Final = 32  # at once, per worker
PINNED: Final = ""
UNKNOWN: Final = "key_unknown"

Ask = Callable[[str, str, str], Awaitable[str]]  # organisation, ID, token: PINNED, or the reason for which it is not


async def ask_nobody(org_id: str, presented: str, token: str) -> str:
    """Where nothing may be changed: what a live request would be told is not known."""
    return UNKNOWN


class ImportedKeys:
    """One per worker."""

    def __init__(self, lookups: Lookups, meters: Meters, ask: Ask = ask_nobody) -> None:
        self._lookups = lookups
        self._meters = meters
        self._ask = ask
        self._asked = 0
        self._forgotten = 0  # times; a read that began before the last one is not kept
        self._known: dict[str, tuple[bool, bool]] = {}  # by organisation: has imports, has some that are not pinned

    async def refusal(
        self, exchange: Exchange, org_id: str, presented: str, unknown: Denial, token: str = ""
    ) -> Denial:
        """`unknown`, as that step says it, with the reason that fits."""
        exchange.rested_on = (*exchange.rested_on, f"legacy:{org_id}")
        has_imports, some_wait = await self._imports(org_id)
        if not has_imports:
            return unknown
        guess = _guess(org_id, exchange.client_ip)
        verdict = await self._meters.judge(guess)
        if verdict.refused >= 0:
            wait = b"%d" % max(1, round(verdict.reset_s[verdict.refused]))
            return _too_many(wait) if some_wait else unknown
        reason = await self._outcome(org_id, presented, token, some_wait=some_wait)
        if reason != PINNED:
            await self._meters.admit(guess)
        return unknown if reason in (PINNED, UNKNOWN) else unknown._replace(reason=reason)

    def forget(self, names: frozenset[str]) -> None:
        for name in names:
            if name.startswith("legacy:"):
                self._forgotten += 1
                self._known.pop(name.removeprefix("legacy:"), None)

    def forget_all(self) -> None:
        self._forgotten += 1
        self._known.clear()

    async def _imports(self, org_id: str) -> tuple[bool, bool]:
        known = self._known.get(org_id)
        if known is None:
            began = self._forgotten
            known = await self._lookups.imports(org_id)
            if began == self._forgotten:
                self._known[org_id] = known
        return known

    async def _outcome(self, org_id: str, presented: str, token: str, *, some_wait: bool) -> str:
        """When all are pinned it is only asked to tell which refusal this is, and need not be answered."""
        if self._asked >= ASKED_MAX:
            raise LookupsExhausted(f"{self._asked} unknown IDs are asked about")
        self._asked += 1
        try:
            return await self._ask(org_id, presented, token)
        except ControlUnavailable:
            if some_wait:
                raise
            return UNKNOWN
        finally:
            self._asked -= 1


def _guess(org_id: str, client_ip: str) -> Charge:
    period_ns = GUESSES_WITHIN_S * 10**9
    return (
        Claim(guess_meter(org_id, counted_as(client_ip)), Kind.SLIDING, GUESSES_OF_ADDRESS_MAX, period_ns),
        Claim(guess_meter(org_id, ""), Kind.SLIDING, GUESSES_MAX, period_ns),
    )


def _too_many(wait_s: bytes) -> Denial:
    return Denial(
        "unknown_keys_throttled", 429, "Too many requests with unknown keys; try again", ((b"Retry-After", wait_s),)
    )
