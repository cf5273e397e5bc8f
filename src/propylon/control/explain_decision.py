"""One decision, watched: the steps of the route run as they do for live traffic, and what each went by is told."""

from propylon.control.explain_head import is_beyond
from propylon.control.explain_lines import failed_line, lines_of
from propylon.control.explain_notes import near_misses, notes_of
from propylon.control.explain_stage import Line, Seen
from propylon.control.explain_token import look_up_kid
from propylon.control.explain_view import MetersView, ViewClock
from propylon.control.refusals import refusal_of
from propylon.errors import BodyTooLarge, Denial, Failure
from propylon.exchange import Exchange
from propylon.snapshot.assembly import DecidingParts
from propylon.snapshot.decision import NO_ROUTE, decide
from propylon.snapshot.route import Route
from propylon.steps.admit import Admit
from propylon.steps.jwt import Jwt
from propylon.steps.step import Step


class Decision:
    """Made for one question; `make` is called once."""

    def __init__(self, parts: DecidingParts, meters: MetersView, clock: ViewClock, within: str | None) -> None:
        self._within = within  # the organisation beyond which nothing is
        self._parts = parts
        self._meters = meters
        self._clock = clock
        self._seen: Seen | None = None
        self.route: Route | None = None
        self.failure: Failure | None = None
        self.lines: list[Line] = []

    async def make(self, exchange: Exchange, body_max_bytes: int) -> None:
        self._exchange = exchange
        self._meters.foretold.clear()
        try:
            self.route = await decide(exchange, self._parts.follow, self._watched)
        except Failure as failure:
            self._fail(failure)
        if self.route is not None and is_beyond(self.route, self._within):
            self._forget_route()
        if self.failure is not None:
            return
        if exchange.denial is not None and self.route is None:  # no step has said it
            refusal = refusal_of(exchange.denial.reason)
            self.lines = [Line(refusal.step, exchange.head.path, refusal.rule, "refused", refusal.because)]
        if exchange.denial is None and 0 < body_max_bytes < (exchange.head.body_length or 0):
            self._fail(BodyTooLarge())

    async def notes(self) -> list[str]:
        if self._seen is None:
            return []
        notes, denial = notes_of(self._seen), self._exchange.denial
        if denial is not None:
            states = self._parts.follow.snapshot.apis.values()
            routes = [state.route for state in states if state.route is not None]
            organisations = {route.definition.org_id for route in routes if route.definition is not None}
            known = organisations if self._within is None else organisations & {self._within}
            notes += await near_misses(self._seen, denial, sorted(known))
        return notes

    def _forget_route(self) -> None:
        """As if nobody listened there."""
        self.route = self._seen = self.failure = None
        self.lines = []
        self._meters.foretold.clear()
        self._clock.waited_s = 0.0
        self._exchange.forget_decision()
        self._exchange.api_id, self._exchange.denial = "", NO_ROUTE

    def _fail(self, failure: Failure) -> None:
        self.failure = failure
        self.lines.append(failed_line(failure))

    def _watched(self, route: Route) -> tuple[Step, ...]:
        """Called anew when the decision is made anew."""
        assert route.definition is not None
        self.route = route
        self._meters.foretold.clear()
        self._seen = Seen(
            self._exchange, route.definition, self._parts.keyring, self._meters.foretold, self._clock.wall()
        )
        self.lines = [
            Line("route", self._exchange.head.path, "", "passed", f"API {route.api_id} listens on {route.listen_path}")
        ]
        return tuple(_Watched(step, self._seen, self.lines, self._clock) for step in route.steps)


class _Watched:
    """A step that tells what it went by."""

    def __init__(self, step: Step, seen: Seen, lines: list[Line], clock: ViewClock) -> None:
        self._step = step
        self._seen = seen
        self._lines = lines
        self._clock = clock

    async def __call__(self, exchange: Exchange) -> Denial | None:
        self._clock.is_shifted = not isinstance(self._step, Admit)
        try:
            denial = await self._step(exchange)
        finally:
            self._clock.is_shifted = True
        if isinstance(self._step, Jwt):
            await look_up_kid(self._seen)
        self._lines += lines_of(self._step, self._seen, denial)
        return denial
