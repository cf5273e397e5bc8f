"""Everything that is counted, decided in one call: the key's rate and quota, its endpoints', the API's (design §3.1).

A refused request costs nothing: Tyk counts it against the quota when only the API's own limit refuses (F-23).
"""

from math import ceil
from typing import Final

from propylon.errors import Denial
from propylon.exchange import Caller, Exchange
from propylon.http.messages import Field
from propylon.model.api_definition import ApiDefinition
from propylon.model.charge import ChargePlan, Claim, Kind, Verdict
from propylon.model.endpoint_pattern import endpoint_limit
from propylon.model.limits import quota, window
from propylon.steps.meter_names import api_meter, quota_meter, rate_meter
from propylon.steps.step import Surroundings

Numbers = tuple[int, int, int]  # of the X-RateLimit fields: Limit, Remaining, Reset

NO_QUOTA: Final[Numbers] = (0, 0, 0)
UNLIMITED_QUOTA: Final[Numbers] = (-1, -1, 0)
RATE_LINES: Final = b"X-RateLimit-Limit: %d\r\nX-RateLimit-Remaining: %d\r\nX-RateLimit-Reset: %d\r\n"
RATE_NAMES: Final = (b"X-RateLimit-Limit", b"X-RateLimit-Remaining", b"X-RateLimit-Reset")


class Admit:
    """Charges the meters of a request on one API, or refuses it."""

    def __init__(self, definition: ApiDefinition, surroundings: Surroundings) -> None:
        self._definition = definition
        self._api_id = definition.api_id
        self._meters = surroundings.meters
        self._clock = surroundings.clock
        self._settings = surroundings.settings
        self._kind = Kind.FIXED if surroundings.settings.fixed_windows else Kind.SLIDING
        self._api_claims = self._api_wide_claims()
        self._keyless_plan = ChargePlan(self._api_claims, -1, -1, 0)

    async def __call__(self, exchange: Exchange) -> Denial | None:
        caller = exchange.caller
        plan = self._keyless_plan if caller is None else self._plan_of(caller, exchange)
        if not plan.claims:
            if self._settings.rate_headers_of_quota:
                exchange.rate_lines = RATE_LINES % _uncounted(plan)
            return None
        charged = exchange.charged
        if charged is not None and charged[0] == plan.claims:  # decided again: the charge stands
            verdict = charged[1]
        else:
            verdict = await self._meters.admit(plan.claims)
            if verdict.refused >= 0 and caller is not None:
                verdict = await self._throttle(caller, plan, verdict)
            exchange.head_seen = verdict.head
            if verdict.refused >= 0:
                return self._refusal(plan, verdict)
            exchange.charged = (plan.claims, verdict)
        numbers = self._numbers(plan, verdict)
        if numbers is not None:
            exchange.rate_lines = RATE_LINES % numbers
        return None

    # -- what is claimed ------------------------------------------------------------------------------------------

    def _plan_of(self, caller: Caller, exchange: Exchange) -> ChargePlan:
        known = caller.charges.get(self._api_id)
        if known is not None and known[0] is self:  # it is the plan of every endpoint
            return known[1]
        access = caller.session.access.get(self._api_id)
        if access is None or not access.endpoints:
            return self._known_plan(caller, self._api_id, None)
        # the first endpoint that matches replaces rate and per, with a meter of its own.
        found = endpoint_limit(access.endpoints, exchange.head.method, exchange.route_path)
        if found is None:
            return self._known_plan(caller, f"{self._api_id} ", None)
        exchange.endpoint = exchange.endpoint or found.name
        return self._known_plan(caller, f"{self._api_id} {found.name}", (found.name, found.rate, found.per))

    def _known_plan(self, caller: Caller, key: str, endpoint: tuple[str, float, float] | None) -> ChargePlan:
        """Made once per caller and step: another revision of the API is another step, with plans of its own."""
        known = caller.charges.get(key)
        if known is not None and known[0] is self:
            return known[1]
        plan = self._make_plan(caller, endpoint)
        caller.charges[key] = (self, plan)
        return plan

    def _make_plan(self, caller: Caller, endpoint: tuple[str, float, float] | None) -> ChargePlan:
        access = caller.session.access.get(self._api_id)
        limit = access.limit if access is not None else caller.session.root_limit
        scope = access.scope if access is not None else ""
        claims: list[Claim] = []
        rate_index = quota_index = -1
        name, rate_number, per = endpoint or ("", limit.rate, limit.per)
        found = None if self._definition.disable_rate_limit else window(rate_number, per)
        if found is not None:
            rate_index = 0
            meter = rate_meter(caller.meter_prefix, scope, name)
            claims.append(Claim(meter, self._kind, found[0], found[1], "rate_limited"))
        units = None if self._definition.disable_quota else quota(limit.quota_max, limit.quota_renewal_rate)
        if units is not None:
            quota_index = len(claims)
            meter = quota_meter(caller.meter_prefix, scope)
            claims.append(Claim(meter, Kind.QUOTA, units[0], units[1], "quota_exceeded"))
        return ChargePlan((*claims, *self._api_claims), rate_index, quota_index, limit.quota_max)

    def _api_wide_claims(self) -> tuple[Claim, ...]:
        """R-16: one counter per API for all callers, keyless ones too."""
        limit = self._definition.global_rate_limit
        found = None if limit is None or self._definition.disable_rate_limit else window(*limit)
        if found is None:
            return ()
        meter = api_meter(self._definition.org_id, self._api_id)
        return (Claim(meter, self._kind, found[0], found[1], "api_rate_limited"),)

    # -- what is answered -----------------------------------------------------------------------------------------

    async def _throttle(self, caller: Caller, plan: ChargePlan, verdict: Verdict) -> Verdict:
        """R-19: a refused rate waits and tries again; refused attempts cost nothing, so quota is spent once (F-21)."""
        access = caller.session.access.get(self._api_id)
        limit = access.limit if access is not None else caller.session.root_limit
        for _ in range(max(0, limit.throttle_retry_limit)):
            if verdict.refused < 0 or plan.claims[verdict.refused].label != "rate_limited":
                break
            await self._clock.sleep(limit.throttle_interval)
            verdict = await self._meters.admit(plan.claims)
        return verdict

    def _refusal(self, plan: ChargePlan, verdict: Verdict) -> Denial:
        claim, reset_s = plan.claims[verdict.refused], verdict.reset_s[verdict.refused]
        if claim.kind is Kind.QUOTA:
            retry = _retry_after(reset_s - self._clock.wall()) if reset_s else ()
            return Denial(claim.label, self._settings.quota_exceeded_status, "Quota exceeded", retry)
        text = "API Rate Limit Exceeded" if claim.label == "api_rate_limited" else "Rate Limit Exceeded"
        numbers = None if self._settings.rate_headers_of_quota else self._numbers(plan, verdict)
        rates = () if numbers is None else tuple(zip(RATE_NAMES, (b"%d" % number for number in numbers), strict=True))
        return Denial(claim.label, 429, text, (*_retry_after(reset_s), *rates))

    def _numbers(self, plan: ChargePlan, verdict: Verdict) -> Numbers | None:
        if self._settings.rate_headers_of_quota:
            if plan.quota < 0:
                return _uncounted(plan)
            index = plan.quota
            reset = int(verdict.reset_s[index])
        else:
            index = plan.rate if plan.rate >= 0 else len(plan.claims) - len(self._api_claims)
            if index == len(plan.claims):  # nothing but a quota is counted
                return None
            reset = ceil(self._clock.wall() + verdict.reset_s[index])
        return plan.claims[index].limit, verdict.remaining[index], reset


def _uncounted(plan: ChargePlan) -> Numbers:
    return UNLIMITED_QUOTA if plan.quota_max < 0 else NO_QUOTA


def _retry_after(seconds: float) -> tuple[Field, ...]:
    return ((b"Retry-After", b"%d" % max(1, ceil(seconds))),)
