"""Renewal: one source's key set fetched anew, by one worker at a time and within the issuer's budget.

The set is kept in the meters for all workers. A failed, empty or malformed answer changes nothing there: the last good
set goes on serving. Knows nothing of HTTP (`issuer_fetch.py` does), nor of who asked.
"""

import importlib
import logging
from asyncio import to_thread
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Final, NamedTuple

from propylon.clock import Clock
from propylon.errors import StoreUnavailable
from propylon.jose.jwk_set import parse_jwk_set
from propylon.snapshot.issuer_source import Source
from propylon.snapshot.stored_keys import StoredKeys
from propylon.stores.ports import Claim, Kind, Meters
from propylon.telemetry.counters import Counters

log = logging.getLogger("propylon.issuers")
FETCH_EVERY_S: Final = 10  # one fetch of a source in this time, whoever asks
SPARE_FETCHES: Final = 2  # for tokens, beyond those,
SPARE_EVERY_S: Final = 600  # in this time
FRESH_S: Final = 240.0  # a set whose answer does not say; Tyk's default (J-18)
POLL_S: Final = 0.05  # between two looks whether another worker is done
LEASE_SPARE_S: Final = 1.0  # beyond the time that a fetch may take, before its worker is taken for dead


class Fetched(NamedTuple):
    """A whole answer with status 200."""

    body: bytes
    max_age_s: float | None  # None: it does not say


Fetch = Callable[[Source], Awaitable[Fetched | str]]  # a text says why there is none; it never raises


class FetchRules(NamedTuple):
    """The settings of these names."""

    wait_s: float
    cache_min_s: float
    cache_max_s: float
    allow_insecure: bool


def lazy_fetch(rules: FetchRules) -> Fetch:
    """A worker that fetches nothing does not pay for the HTTP client: 0.4 s, in a thread, and 11 MiB."""
    made: list[Fetch] = []

    async def fetch(source: Source) -> Fetched | str:
        if not made:
            made.append(await to_thread(_imported, rules))
        return await made[0](source)

    return fetch


def _imported(rules: FetchRules) -> Fetch:
    module = importlib.import_module("propylon.snapshot.issuer_fetch")
    module.warm_up()
    fetch: Fetch = module.IssuerFetch(rules.wait_s, allow_insecure=rules.allow_insecure)
    return fetch


class Outcome(NamedTuple):
    """Of one renewal."""

    is_newer: bool  # a newer set is there, brought by whomever
    is_tried: bool  # what could be done for a token was done
    quiet_s: float = 0.0  # for so long the budget refuses


class Renewal:
    """One per worker."""

    def __init__(
        self, keys: StoredKeys, meters: Meters, clock: Clock, rules: FetchRules, fetch: Fetch, counters: Counters
    ) -> None:
        self._keys = keys
        self._meters = meters
        self._clock = clock
        self._rules = rules
        self._fetch = fetch
        self._counters = counters

    async def renew(self, source: Source, *, for_token: bool) -> Outcome:
        """Only for a token another worker is waited for, and the spare fetches are used."""
        try:
            before = await self._number(source)
            if not await self._take_lease(source):
                await self._wait_for_another(source, before, at_most_s=self._rules.wait_s if for_token else 0.0)
                return Outcome(is_newer=await self._number(source) != before, is_tried=for_token)
            try:
                if await self._number(source) != before:
                    return Outcome(is_newer=True, is_tried=True)
                if wait_s := await self._charge(source, for_token=for_token):
                    return Outcome(is_newer=False, is_tried=for_token, quiet_s=wait_s)
                return Outcome(is_newer=await self._fetch_and_keep(source), is_tried=True)
            finally:
                await self._end_lease(source)
        except StoreUnavailable as failure:
            log.warning("key set %r was not renewed: %s: %s", source.url, failure.code, failure.detail)
            return Outcome(is_newer=False, is_tried=True)

    async def _number(self, source: Source) -> int:
        row = await self._keys.row(source)
        return -1 if row is None else row.number

    async def _take_lease(self, source: Source) -> bool:
        return await self._meters.take_lease(f"key set {source.name}", self._rules.wait_s + LEASE_SPARE_S)

    async def _end_lease(self, source: Source) -> None:
        await self._meters.end_lease(f"key set {source.name}")

    async def _wait_for_another(self, source: Source, before: int, *, at_most_s: float) -> None:
        """Until the worker that fetches has brought a newer set, or has given up."""
        until = self._clock.monotonic() + at_most_s
        while self._clock.monotonic() < until and await self._number(source) == before:
            if await self._take_lease(source):
                await self._end_lease(source)
                return
            await self._clock.sleep(POLL_S)

    async def _charge(self, source: Source, *, for_token: bool) -> float:
        """0.0 when this fetch is within the budget, else how long there will be none."""
        waits = []
        for claim in _budget(source) if for_token else _budget(source)[:1]:
            verdict = await self._meters.admit((claim,))
            if verdict.refused < 0:
                return 0.0
            waits.append(verdict.reset_s[0])
        return max(min(waits), POLL_S)

    async def _fetch_and_keep(self, source: Source) -> bool:
        began = self._clock.wall()
        self._counters.key_set_fetches += 1
        fetched = await self._fetch(source)
        trouble = fetched if isinstance(fetched, str) else _trouble(fetched.body)
        if trouble or isinstance(fetched, str):
            self._counters.key_set_failures += 1
            log.warning("key set %r was not renewed: %s", source.url, trouble)
            return False
        until = began + self._fresh_for(source, fetched.max_age_s)
        number = await self._meters.put_key_set(source.name, fetched.body, fetched_at=began, fresh_until=until)
        log.info("key set %r fetched: number %d, fresh for %g s", source.url, number, until - began)
        return True

    def _fresh_for(self, source: Source, max_age_s: float | None) -> float:
        """The definition's word goes before the answer's (J-18); both within the settings' bounds."""
        told_s = max_age_s if source.cache_timeout_s is None else source.cache_timeout_s
        return min(max(FRESH_S if told_s is None else told_s, self._rules.cache_min_s), self._rules.cache_max_s)


def _trouble(body: bytes) -> str:
    """Why a body is no set that anybody could read, "" when it is one."""
    as_public = parse_jwk_set(body)
    if as_public.records or parse_jwk_set(body, allow_secrets=True).records:
        return ""
    if not as_public.problems:
        return "the set is empty"
    path, code, message = as_public.problems[0]
    return f"no key of it can be used; {path or 'it'} {message} ({code})"


def _budget(source: Source) -> tuple[Claim, ...]:
    name = sha256(source.name.encode()).digest()[:16]
    return (
        Claim(b"jwks:" + name, Kind.SLIDING, 1, FETCH_EVERY_S * 10**9),
        Claim(b"jwks spare:" + name, Kind.SLIDING, SPARE_FETCHES, SPARE_EVERY_S * 10**9),
    )
