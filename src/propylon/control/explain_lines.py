"""What each step went by, stage by stage: those in order, then the one that refused.

The steps have decided already; here their outcome is told, in the order in which they look at things. A stage is made
only when the ones before it passed, so it may rely on what they found.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

from propylon.control.explain_stage import Line, Seen, Stage, moment, shown
from propylon.control.explain_token import entry_of, policy_stage_of, token_stages
from propylon.control.refusals import refusal_of
from propylon.errors import Denial, Failure
from propylon.model.charge import Claim, Kind, Verdict
from propylon.model.credential_source import CredentialSource
from propylon.model.endpoint_pattern import allows
from propylon.model.provenance import number
from propylon.steps.admit import Admit
from propylon.steps.auth_token import AuthToken
from propylon.steps.credential import CredentialReader
from propylon.steps.first_use import FirstUse
from propylon.steps.guard import Guard
from propylon.steps.jwt import Jwt
from propylon.steps.revoked import Revoked
from propylon.steps.rights import Rights
from propylon.steps.standing import Standing
from propylon.steps.step import Step
from propylon.steps.strip_credential import StripCredential
from propylon.steps.track_endpoint import TrackEndpoint
from propylon.steps.upstream_headers import TellUpstream

COUNTED: Final = {
    "rate_limited": ("rate", "R-2"),
    "quota_exceeded": ("quota", "Q-1"),
    "api_rate_limited": ("api rate", "R-16"),
    "": ("unknown keys", ""),  # guesses, while imported keys wait for their IDs
}


def lines_of(step: Step, seen: Seen, denial: Denial | None) -> list[Line]:
    """Of a step that has run."""
    stages = _STAGES.get(type(step), _nothing)(seen)
    if denial is None:
        return [Line(stage.step, stage.input, stage.rule, "passed", stage.because) for stage in stages]
    refusal, lines, input = refusal_of(denial.reason), [], ""
    for stage in stages:
        if stage.step == refusal.step:
            input = stage.input
            break
        lines.append(Line(stage.step, stage.input, stage.rule, "passed", stage.because))
    return [*lines, Line(refusal.step, input, refusal.rule, "refused", f"{refusal.because} ({denial.reason})")]


def failed_line(failure: Failure) -> Line:
    """Of what broke on the way."""
    refusal = refusal_of(failure.code)
    return Line(refusal.step, "", refusal.rule, "failed", f"{refusal.because} ({failure.code})")


def places_of(source: CredentialSource) -> str:
    """Where a credential is looked for."""
    named = (("header", source.header_name), ("parameter", source.param_name), ("cookie", source.cookie_name))
    return ", ".join(f"{kind} {name}" for kind, name in named if name)


def _nothing(seen: Seen) -> Iterator[Stage]:
    return iter(())


def _of_guard(seen: Seen) -> Iterator[Stage]:
    yield Stage("guards", "the definition", "", "")


def _credential_stage(seen: Seen) -> tuple[Stage, str]:
    source = seen.definition.credential
    credential = CredentialReader(source).read(seen.exchange.head)
    text = credential if isinstance(credential, str) else ""
    return Stage("credential", places_of(source), "T-1", f"one was sent, {len(text)} characters long"), text


def _of_auth_token(seen: Seen) -> Iterator[Stage]:
    yield _credential_stage(seen)[0]
    entry, names = entry_of(seen), seen.exchange.rested_on
    input = f"hash {names[0].removeprefix('key:')}" if names else ""
    if entry is None:
        yield Stage("key", input, "K-5", "")
        return
    used = f", generation {entry.credential[1]} of its tokens" if entry.token is not None else ""
    alias = entry.own.alias or entry.session.alias
    yield Stage("key", input, "K-5", f'found: {entry.name}, alias "{shown(alias)}"{used}')
    yield policy_stage_of(entry)


def _of_jwt(seen: Seen) -> Iterator[Stage]:
    stage, credential = _credential_stage(seen)
    yield stage
    yield from token_stages(seen, credential)


def _of_revoked(seen: Seen) -> Iterator[Stage]:
    assert seen.exchange.caller is not None
    yield Stage("revocation", seen.exchange.caller.identity.record, "", "neither it nor what it came with is revoked")


def _of_standing(seen: Seen) -> Iterator[Stage]:
    assert seen.exchange.caller is not None
    session = seen.exchange.caller.session
    yield Stage("active", "key and policies", "K-20", "none of them is inactive")
    expires = session.expires
    ends = f"expires {moment(expires)}" if expires >= 1 else "never expires"
    yield Stage("expiry", ends, "K-21", f"in force at {moment(seen.wall)}")
    yield Stage("guards", ", ".join(session.guards) or "none", "", "the key relies on nothing that is not supported")


def _of_rights(seen: Seen) -> Iterator[Stage]:
    exchange, definition = seen.exchange, seen.definition
    assert exchange.caller is not None
    rights = exchange.caller.session.access
    access = rights.get(definition.api_id)
    named = ", ".join(map(shown, rights)) or "none"
    if access is None:
        yield Stage("access", f"rights on {named}", "A-1", "a key without rights opens every API (allow_master_keys)")
        return
    yield Stage("access", f"rights on {named}", "A-2", f"{definition.api_id} is among them")
    if not definition.not_versioned:
        versions = ", ".join(map(shown, access.versions)) or "none"
        yield Stage("version", f"versions {versions}", "A-4", f"{shown(definition.default_version)} is among them")
    yield _path_stage(
        exchange.head.method,
        exchange.route_path,
        exchange.head.path,
        access.definition.allowed_urls,
        access.allowed_urls,
    )


def _path_stage(method: str, stripped: str, path: str, written: Any, patterns: Any) -> Stage:
    if not patterns:
        return Stage("path", f"{method} {shown(stripped)}", "A-6", "allowed_urls is empty, so every path is granted")
    admitting = [
        one.url for one, pattern in zip(written, patterns, strict=True) if allows([pattern], method, stripped, path)
    ]
    listed = "; ".join(f"{shown(one.url)} [{' '.join(one.methods)}]" for one in written)
    because = f"{shown(admitting[0])} admits it" if admitting else ""
    return Stage("path", f"{method} {shown(stripped)}, allowed_urls {shown(listed)}", "A-6", because)


def _of_first_use(seen: Seen) -> Iterator[Stage]:
    yield Stage("first use", "claim jti", "", "it was not used before; asking has not used it")


def _of_admit(seen: Seen) -> Iterator[Stage]:
    if not seen.foretold:
        yield Stage("rate", "no limit", "R-1", "no rate and no quota is set, so nothing is counted")
        return
    charge, verdict = seen.foretold[-1]
    for index, claim in enumerate(charge):
        step, rule = COUNTED[claim.label]
        yield Stage(step, limit_of(claim), rule, f"{verdict.remaining[index]} would be left after this request")


def limit_of(claim: Claim) -> str:
    """A limit as it is counted, which may be in other numbers than it was written in."""
    period = f"per {number(claim.period_ns / 1e9)} s" if claim.period_ns else "for ever"
    return f"{claim.limit} requests {period}"


def counters_of(charge: tuple[Claim, ...], verdict: Verdict) -> list[dict[str, Any]]:
    """The meters as they stand. `remaining` is what this request would leave, or leaves if it is refused."""
    found = []
    for index, claim in enumerate(charge):
        name = "renews_at" if claim.kind is Kind.QUOTA else "retry_after_s"
        found.append(
            {
                "limit": COUNTED[claim.label][0],
                "meter": claim.meter.decode(),
                "counted_as": claim.kind.name.lower(),
                "max": claim.limit,
                "period_s": claim.period_ns / 1e9,
                "remaining": verdict.remaining[index],
                name: verdict.reset_s[index],
                "refuses": verdict.refused == index,
            }
        )
    return found


def _of_strip(seen: Seen) -> Iterator[Stage]:
    yield Stage("strip", places_of(seen.definition.credential), "T-8", "the credential does not travel on")


def _of_told(seen: Seen) -> Iterator[Stage]:
    yield Stage(
        "upstream headers", ", ".join(seen.definition.upstream_headers.names), "", "written anew for the upstream"
    )


_STAGES: Final[dict[type, Callable[[Seen], Iterator[Stage]]]] = {
    Guard: _of_guard,
    AuthToken: _of_auth_token,
    Jwt: _of_jwt,
    Revoked: _of_revoked,
    Standing: _of_standing,
    Rights: _of_rights,
    FirstUse: _of_first_use,
    Admit: _of_admit,
    StripCredential: _of_strip,
    TellUpstream: _of_told,
    TrackEndpoint: _nothing,  # decides nothing
}
