"""What in a policy cannot be meant so, told from the policy alone and from those it is applied together with.

Reads nothing. None of it is refused: Tyk takes it all, and so do we.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from propylon.errors import MalformedRequest, Problem
from propylon.http.target import parse_target
from propylon.model.access_definition import AccessDefinition, ApiLimit, Endpoint
from propylon.model.effective import EffectiveSession, effective_session
from propylon.model.endpoint_pattern import allowed_pattern
from propylon.model.members import join
from propylon.model.policy import Policy
from propylon.model.session_provenance import provenance_of
from propylon.model.session_record import Session

_LITERAL: Final = re.compile(r"[\w/.~%!$&',;=:@-]*")  # what matches nothing but itself; a dot nearly so
_QUERY: Final = re.compile(r"\\?\?[\w.-]+=")
_NUMBERS: Final = frozenset({"rate", "quota_max", "max_query_depth"})


def findings_of(policy: Policy) -> Iterator[Problem]:
    """Of the policy alone."""
    yield from _limit_findings(policy.limit, "")
    for api_id, access in policy.access_rights.items():
        path = f"access_rights.{api_id}"
        if access.own_limit is not None:
            yield from _limit_findings(access.own_limit, f"{path}.limit")
        yield from _url_findings(access, path)
        yield from _endpoint_findings(access.endpoints, path)


def combination_findings(policy: Policy, combinations: Sequence[Sequence[Policy]]) -> Iterator[Problem]:
    """`combinations` are those in which the policy is applied, each in order."""
    sessions = [_applied(policies) for policies in combinations]
    for policies, session in zip(combinations, sessions, strict=True):
        named = ", ".join(one.id for one in policies)
        if isinstance(session, Problem):
            text = f"with {named}: {session.message}; keys of these are refused"
            yield Problem("partitions", session.code, text)
    merged = [session for session in sessions if isinstance(session, EffectiveSession)]
    if not merged or any(len(session.policies) == 1 for session in merged):  # alone it wins
        return
    source = f"policy {policy.id}"
    told = [one for session in merged for one in provenance_of(session) if one.api_id and one.field in _NUMBERS]
    for field in sorted({one.field for one in told if any(loser.source == source for loser in one.losers)}):
        if not any(one.source == source for one in told if one.field == field):
            text = f"never wins: wherever it is applied, another is as generous: {_others(policy, merged)}"
            yield Problem(field, "never_wins", text)


def _applied(policies: Sequence[Policy]) -> EffectiveSession | Problem:
    ids = [policy.id for policy in policies]
    org_id = policies[0].org_id
    return effective_session(Session(org_id=org_id, apply_policies=ids), policies, missing=(), org_id=org_id)


def _others(policy: Policy, sessions: Sequence[EffectiveSession]) -> str:
    return ", ".join(sorted({one.id for session in sessions for one in session.policies} - {policy.id}))


def _limit_findings(limit: ApiLimit, path: str) -> Iterator[Problem]:
    """0 and -1 where they hardly do what was meant (R-1, Q-1, Q-2)."""
    if limit.rate == 0 and limit.per > 0:
        yield Problem(
            join(path, "rate"), "rate_zero", "is 0, which limits nothing; give a rate, or -1 to say unlimited"
        )
    if limit.rate < 0 < limit.per:
        yield Problem(join(path, "rate"), "rate_unlimited", "is below 0, so per has no effect: nothing is limited")
    if limit.quota_max == 0 and limit.quota_renewal_rate > 0:
        yield Problem(
            join(path, "quota_max"), "quota_zero", "is 0, which is no quota; give one, or -1 to say unlimited"
        )
    if limit.quota_max < 0 < limit.quota_renewal_rate:
        yield Problem(join(path, "quota_max"), "quota_unlimited", "is below 0, so the renewal rate has no effect")
    if limit.quota_max > 0 and limit.quota_renewal_rate <= 0:
        yield Problem(
            join(path, "quota_renewal_rate"), "quota_never_renews", "is not above 0, so the quota never renews"
        )
    if limit.throttle_retry_limit > 0 and limit.rate <= 0:
        yield Problem(join(path, "throttle_retry_limit"), "throttle_without_rate", "has no effect without a rate")


def _url_findings(access: AccessDefinition, path: str) -> Iterator[Problem]:
    for index, allowed in enumerate(access.allowed_urls):
        where = f"{path}.allowed_urls[{index}].url"
        if _QUERY.search(allowed.url):
            yield Problem(
                where, "url_with_query", "names a query, and paths are compared without one, so it is never reached"
            )
        elif (normal := _other_normal_form(allowed.url)) is not None:
            text = f'is never reached: paths are compared in their normal form, here "{normal}"'
            yield Problem(where, "url_not_normal", text)


def _other_normal_form(url: str) -> str | None:
    """Of a literal path that no request can have, "" for one that every request with it is refused for."""
    if not url.startswith("/") or _LITERAL.fullmatch(url) is None:
        return None
    try:
        normal = parse_target(url.encode())[0]
    except MalformedRequest:
        return ""
    return None if normal == url else normal


def _endpoint_findings(endpoints: Sequence[Endpoint], path: str) -> Iterator[Problem]:
    """A-12: the first that matches holds, so one behind a wider one is never reached."""
    for index, endpoint in enumerate(endpoints):
        if _LITERAL.fullmatch(endpoint.path) is None or not endpoint.path.startswith("/"):
            continue
        methods = {method.name.upper() for method in endpoint.methods}
        for number, earlier in enumerate(endpoints[:index]):
            taken = methods & {method.name.upper() for method in earlier.methods}
            if taken and allowed_pattern(earlier.path, ()).matches(endpoint.path.encode()):
                text = f"is never reached for {', '.join(sorted(taken))}: endpoints[{number}] matches it first"
                yield Problem(f"{path}.endpoints[{index}]", "endpoint_shadowed", text)
