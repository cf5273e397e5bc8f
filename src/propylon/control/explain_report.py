"""The answer of explain: steps, identity, effective session with provenance, counters, notes, verdict.

Holds no credential, no secret and no claim but those that name somebody or say when.
"""

from dataclasses import asdict
from typing import Any, Final, NamedTuple

from propylon.control.explain_lines import counters_of
from propylon.control.explain_stage import Line, plural
from propylon.errors import Denial, Failure
from propylon.exchange import Exchange
from propylon.model.charge import Charge, Verdict
from propylon.model.effective import EffectiveSession
from propylon.model.provenance import ROOT, Provenance
from propylon.model.session_provenance import provenance_of
from propylon.snapshot.route import Route

Document = dict[str, Any]
PASSES: Final = "would be let through and sent to"


class Outcome(NamedTuple):
    exchange: Exchange | None  # None when the request could not be read
    route: Route | None
    lines: list[Line]
    foretold: list[tuple[Charge, Verdict]]
    failure: Failure | None
    notes: list[str]
    revision: int
    at: float | None
    waited_s: float  # for a rate, by its throttle


def report(outcome: Outcome) -> Document:
    exchange, route = outcome.exchange, outcome.route
    caller = None if exchange is None else exchange.caller
    session = None if caller is None else session_view(caller.session, exchange.api_id if exchange else ROOT)
    return {
        "request": None if exchange is None else _request(exchange),
        "api": None if route is None else _api(route),
        "revision": outcome.revision,
        "at": outcome.at,
        "steps": [_step(line) for line in outcome.lines],
        "identity": None if caller is None else asdict(caller.identity),
        "session": session,
        "meters": counters_of(*outcome.foretold[-1]) if outcome.foretold else [],
        "notes": [*outcome.notes, *_waits(outcome)],
        "verdict": _verdict(outcome),
    }


def session_view(session: EffectiveSession, api_id: str) -> Document:
    """Of one API and the key as a whole; `api_id` "" for all APIs."""
    places = session.access if api_id == ROOT else [api_id]
    fields = provenance_of(session)
    if api_id != ROOT:  # what it has of its own stands in the place of the key's
        own = {one.field for one in fields if one.api_id == api_id}
        fields = [one for one in fields if one.api_id == api_id or (one.api_id == ROOT and one.field not in own)]
    return {
        "policies": list(session.policy_ids),
        "skipped_policies": list(session.skipped_policies),
        "is_inactive": session.is_inactive,
        "expires": session.expires,
        "tags": list(session.tags),
        "access": {api_id: access_view(session, api_id) for api_id in places if api_id in session.access},
        "provenance": [provenance_view(one) for one in fields],
    }


def access_view(session: EffectiveSession, api_id: str) -> Document:
    access = session.access[api_id]
    limit = access.limit
    return {
        "versions": list(access.versions),
        "allowed_urls": [{"url": one.url, "methods": list(one.methods)} for one in access.definition.allowed_urls],
        "rate": limit.rate,
        "per": limit.per,
        "quota_max": limit.quota_max,
        "quota_renewal_rate": limit.quota_renewal_rate,
        "throttle_interval": limit.throttle_interval,
        "throttle_retry_limit": limit.throttle_retry_limit,
        "max_query_depth": limit.max_query_depth,
        "counters_of": access.scope or "the key",  # P-27, P-28
    }


def provenance_view(one: Provenance) -> Document:
    lost = [loser._asdict() for loser in one.losers]
    return {**one._asdict(), "losers": lost, "text": one.text}


def _request(exchange: Exchange) -> Document:
    head = exchange.head
    return {"method": head.method, "path": head.path, "host": head.host, "client_ip": exchange.client_ip}


def _api(route: Route) -> Document:
    definition = route.definition
    assert definition is not None
    return {
        "api_id": route.api_id,
        "org_id": definition.org_id,
        "listen_path": route.listen_path,
        "auth_mode": definition.auth_mode,
        "jwt_mode": definition.jwt.mode if definition.jwt is not None else None,
    }


def _step(line: Line) -> Document:
    return {**line._asdict(), "failed": line.result != "passed"}


def _waits(outcome: Outcome) -> list[str]:
    if not outcome.waited_s:
        return []
    waited = plural(outcome.waited_s, "second")
    return [
        f"the throttle would hold the request back for {waited}; told is what then is, if nobody comes meanwhile (R-19)"
    ]


def _verdict(outcome: Outcome) -> Document:
    refusal: Denial | Failure | None = outcome.failure
    if outcome.exchange is not None and outcome.failure is None:
        refusal = outcome.exchange.denial
    if refusal is None:
        assert outcome.route is not None
        return {"status": 200, "reason": "", "message": f"{PASSES} {outcome.route.origin.key}", "passes": True}
    reason = refusal.code if isinstance(refusal, Failure) else refusal.reason
    return {"status": refusal.status, "reason": reason, "message": refusal.message, "passes": False}
