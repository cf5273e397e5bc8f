"""What would become of a request, step by step; nothing is counted, fetched, written or forwarded.

The same route table, steps and order as live traffic, on a snapshot of this process's own that follows the change log
as a worker's does. One question at a time: the view of clock and counters belongs to the running one.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from propylon.clock import Clock
from propylon.control.explain_decision import Decision
from propylon.control.explain_head import head_of
from propylon.control.explain_lines import failed_line
from propylon.control.explain_notes import AT
from propylon.control.explain_question import Question
from propylon.control.explain_report import Document, Outcome, report
from propylon.control.explain_view import MetersView, ViewClock
from propylon.errors import Failure
from propylon.exchange import Exchange
from propylon.http.client_address import TrustedProxies
from propylon.http.limits import HeadLimits
from propylon.http.messages import RequestHead
from propylon.settings import Settings
from propylon.snapshot.assembly import DecidingParts, deciding_parts
from propylon.snapshot.snapshot import ApiState
from propylon.snapshot.stored_keys import StoredKeys
from propylon.steps.keyring import KeySecrets
from propylon.stores.ports import FollowedMeters, Lookups
from propylon.telemetry.counters import Counters

CACHED_KEYS_MAX: Final = 1000
OWN_PAGES: Final = ("/hello", "/ready", "/tyk")


class Explainer:
    """One per control process; reads its first snapshot when it is first asked."""

    def __init__(
        self,
        settings: Settings,
        secrets: KeySecrets,
        meters: FollowedMeters,
        clock: Clock,
        open_lookups: Callable[[], Lookups],
    ) -> None:
        self._settings = settings
        self._secrets = secrets
        self._keys = StoredKeys(meters, clock, settings.jwks_stale_max_s)  # whose age `at` does not move
        self._clock = ViewClock(clock)
        self._meters = MetersView(meters, self._clock)
        self._open_lookups = open_lookups
        self._lookups: Lookups | None = None
        self._parts: DecidingParts | None = None
        self._turn = asyncio.Lock()
        self._proxies = TrustedProxies(settings.trusted_proxies)
        self._limits = HeadLimits(settings.target_max_bytes, settings.head_max_bytes, settings.head_fields_max)

    async def explain(self, question: Question, *, within: str | None = None) -> Document | None:
        """None when the API that is asked about is not there. `within`: the organisation beyond which nothing is."""
        async with self._turn:
            parts = await self._caught_up()
            if question.api_id and question.api_id not in parts.follow.snapshot.apis:
                return None
            self._clock.ask_at(question.at)
            return report(await self._outcome(parts, question, within))

    async def close(self) -> None:
        if self._lookups is not None:
            await self._lookups.close()

    async def _caught_up(self) -> DecidingParts:
        if self._parts is not None:
            await self._parts.follow.catch_up()
            return self._parts
        self._lookups = self._lookups or self._open_lookups()
        parts = self._assembled(self._lookups)
        await parts.follow.start()
        await parts.follow.catch_up()
        self._parts = parts
        return parts

    def _assembled(self, lookups: Lookups) -> DecidingParts:
        """Without verified tokens at hand: each question shows how its token is verified."""
        few = {"cached_keys_max": CACHED_KEYS_MAX, "verified_tokens_max": 0}
        settings = self._settings.model_copy(update=few)
        return deciding_parts(settings, self._secrets, lookups, self._meters, self._clock, Counters(0), self._keys)

    async def _outcome(self, parts: DecidingParts, question: Question, within: str | None) -> Outcome:
        snapshot = parts.follow.snapshot
        state = snapshot.apis.get(question.api_id)
        asked = None if state is None else state.route
        notes = [] if state is None else _notes_of_api(state)
        head = head_of(question, snapshot, asked, self._limits, within)
        if isinstance(head, Failure):
            lines, notes = [failed_line(head)], [*notes, head.detail]
            return Outcome(None, None, lines, [], head, notes, snapshot.revision, None, 0.0)
        client = self._proxies.client(question.ip, head)
        exchange = Exchange(head, client.ip, question.ip, self._clock.monotonic(), peer_trusted=client.peer_trusted)
        decision = Decision(parts, self._meters, self._clock, within)
        await decision.make(exchange, self._settings.request_body_max_bytes)
        if asked is not None and decision.route is not asked:
            notes.append(f"this path does not lead to API {question.api_id}")
        notes += [*_notes_of_question(question, head), *await decision.notes()]
        return Outcome(
            exchange,
            decision.route,
            decision.lines,
            self._meters.foretold,
            decision.failure,
            notes,
            parts.follow.snapshot.revision,
            question.at,
            self._clock.waited_s,
        )


def _notes_of_api(state: ApiState) -> list[str]:
    notes = [f"the definition has a problem: {problem.path} {problem.message}" for problem in state.problems]
    if state.route is None and not state.problems:
        notes.append("the API is internal or not active, so no path leads to it")
    return notes


def _notes_of_question(question: Question, head: RequestHead) -> list[str]:
    notes = [] if question.at is None else [AT]
    if head.path in OWN_PAGES or head.path.startswith("/tyk/"):
        notes.append("live, this path is a page of the gateway's own, whatever API listens there")
    return notes
