"""The worker's half of the change log: every decision rests on the newest revision, or is made again (design §3.2).

`head` is the newest revision the meters know; `applied` the newest this worker has acted on. Nothing is let in and
nothing refused before the two are compared. One catch-up runs at a time and is shared; it recompiles only what is
named, an API at a time, so that the loop is never held for long.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Final

from propylon.errors import StoreUnavailable
from propylon.exchange import Exchange
from propylon.model.api_definition import ApiDefinition
from propylon.model.policy import policies_of_rows
from propylon.snapshot.compile import Workshop, compile_api
from propylon.snapshot.route import Route
from propylon.snapshot.snapshot import EMPTY, ApiState, Snapshot
from propylon.snapshot.table import RouteTable
from propylon.steps.revoked import concerns, marks_in
from propylon.stores.ports import KEY_SETS, Change, DefinitionRow, FollowedMeters, Lookups

log = logging.getLogger("propylon.follow")
REMEMBERED_MAX: Final = 10_000  # changes; a decision older than these is made again
EVERYTHING: Final = "*"


class Follow:
    """One per worker; owns the snapshot and tells the keyring what to forget."""

    def __init__(self, lookups: Lookups, meters: FollowedMeters, workshop: Workshop) -> None:
        self.snapshot: Snapshot = EMPTY
        self.applied = -1
        self.on_change: Callable[[frozenset[str]], None] = lambda names: (
            None
        )  # set by the worker: ends what was revoked
        self.on_snapshot: Callable[[Snapshot], None] = lambda snapshot: None  # set by the worker: issuers are watched
        self._lookups = lookups
        self._meters = meters
        self._workshop = workshop
        self._recent: deque[Change] = deque(maxlen=REMEMBERED_MAX)
        self._catching_up: asyncio.Future[str] | None = None  # "", or why it failed
        self._doubts = meters.doubts  # those that have been answered by reading everything
        self._distrusted = -1  # a head below `applied` that has been answered by reading everything

    async def start(self) -> None:
        """The first snapshot."""
        await self._reload()

    async def stands(self, exchange: Exchange, route: Route | None) -> bool:
        """Whether the decision just made, for that route, rests on nothing that changed since it began."""
        head = exchange.head_seen
        if head < 0:  # nothing was charged; a refusal rests on the newest revision, whatever asking costs
            is_let_in = route is not None and exchange.denial is None
            head = await (self._meters.recent_head() if is_let_in else self._meters.head())
        if head == self.applied == exchange.decided_at:
            return True
        if head != self.applied:
            await self.catch_up()
        return not self._touched(exchange, route)

    async def catch_up(self) -> None:
        """Returns when everything announced before the call has been applied. Raises StoreUnavailable.

        Who waited for another one's that failed does not begin his own: a store that does not answer would be waited
        for by everybody in turn.
        """
        while self._catching_up is not None:
            if detail := await asyncio.shield(self._catching_up):
                raise StoreUnavailable(detail)
        done = self._catching_up = asyncio.get_running_loop().create_future()
        why_not = ""
        try:
            head = await self._meters.head()
            if self._doubts != (doubts := self._meters.doubts):
                log.warning("everything is read again: the meters were away")
                await self._reload()
                self._doubts = doubts
            elif head == self.applied:
                self._distrusted = -1
            elif head != self._distrusted:
                await self._apply(head)
                self._distrusted = head if head < self.applied else -1
        except StoreUnavailable as failure:
            why_not = failure.detail
            raise
        finally:
            self._catching_up = None
            done.set_result(why_not)

    def definition_of(self, exchange: Exchange) -> ApiDefinition | None:
        """The one that decided about it; None when another has taken its place, or none has."""
        state = self.snapshot.apis.get(exchange.api_id)
        route = None if state is None else state.route
        return route.definition if route is not None and route.facts is exchange.api_facts else None

    # -- inside ---------------------------------------------------------------------------------------------------

    def _touched(self, exchange: Exchange, route: Route | None) -> bool:
        since = exchange.decided_at
        if since == self.applied:
            return False
        if since > self.applied or (self._recent and self._recent[0].revision > since + 1) or not self._recent:
            return True
        names = {name for change in self._recent if change.revision > since for name in change.names}
        if KEY_SETS in names or not names.isdisjoint(exchange.rested_on) or concerns(marks_in(names), exchange):
            return True
        # Other APIs may come and go: what matters is whether this path still leads to this route.
        return any(_moves_routes(name) for name in names) and self._route_of(exchange) is not route

    def _route_of(self, exchange: Exchange) -> Route | None:
        found = self.snapshot.table.match(exchange.head.path)
        return None if found is None else found[0]

    async def _apply(self, head: int) -> None:
        changes = None if head < self.applied else await self._lookups.changes_after(self.applied)
        if changes is None or any(EVERYTHING in change.names for change in changes):
            log.warning("everything is read again: head %d, applied %d", head, self.applied)
            await self._reload()
            return
        if not changes:
            return
        names = frozenset(name for change in changes for name in change.names)
        self._workshop.keyring.forget(names)
        self._workshop.surroundings.imported.forget(names)
        if KEY_SETS in names:
            self._workshop.surroundings.issuers.distrust()
        if any(name.startswith("policy:") for name in names):
            self._workshop.book.replace(policies_of_rows(await self._lookups.policies()))
        for mark in marks_in(names):
            self._workshop.surroundings.revocations.renew(mark, await self._lookups.revocations(mark))
        if any(_moves_routes(name) for name in names):
            await self._recompile(changes[-1].revision)
        self._recent.extend(changes)
        self.applied = changes[-1].revision
        self.on_change(names)

    async def _reload(self) -> None:
        """Doubt empties: no cache survives, every definition is read."""
        revision = await self._lookups.revision()
        self._workshop.keyring.forget_all()
        self._workshop.surroundings.imported.forget_all()
        self._workshop.surroundings.issuers.distrust()
        self._workshop.book.replace(policies_of_rows(await self._lookups.policies()))
        self._workshop.surroundings.revocations.replace(await self._lookups.revocations())
        await self._recompile(revision)
        self._recent.clear()
        self.applied = revision
        self.on_change(frozenset({EVERYTHING}))

    async def _recompile(self, revision: int) -> None:
        """Every definition whose etag moved; the others keep their route and its caches."""
        apis: dict[str, ApiState] = {}
        for row in await self._lookups.apis():
            apis[row.id] = self._state_of(row)
            await asyncio.sleep(0)
        routes = [state.route for state in apis.values() if state.route is not None]
        self.snapshot = Snapshot(revision, RouteTable(routes), apis)
        self.on_snapshot(self.snapshot)

    def _state_of(self, row: DefinitionRow) -> ApiState:
        before = self.snapshot.apis.get(row.id)
        if before is not None and before.etag == row.etag:
            return before
        state = compile_api(row, self._workshop)
        for problem in state.problems:
            log.error("API %s does not compile: %s: %s", row.id, problem.path, problem.message)
        if state.problems and before is not None:
            return before._replace(problems=state.problems)  # one that does not compile never replaces one that did
        return state


def _moves_routes(name: str) -> bool:
    return name.startswith("api:")
