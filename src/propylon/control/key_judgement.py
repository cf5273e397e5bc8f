"""A key that is to be stored or previewed, judged as a whole: its body, and the policies and APIs that it names.

Knows no route. Every fault is refused; what is doubtful is a warning, so that a body which Tyk takes is taken, and what
it hides is said (user-pains P18).
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from propylon.control.definitions import default_org, refused_when_strict
from propylon.control.desk import Desk
from propylon.control.envelope import Refused, listed
from propylon.control.jwt_key import jwt_key_warnings
from propylon.control.rights import apis_of, right_warning
from propylon.errors import Problem
from propylon.model.effective import EffectiveSession, effective_session
from propylon.model.policy import Policy, policies_of_rows
from propylon.model.session import Session, extract_secrets, keep_secrets, parse_session
from propylon.model.session_secrets import CLEARABLE

READ_ONLY: Final = frozenset({"key_hash", "key_id", "kind", "effective"})  # of answers; passed over when sent
NO_SECRETS: Final[Mapping[str, str]] = {}


class JudgedKey(NamedTuple):
    session: Session  # without its secrets
    secrets: dict[str, str]  # in force after the write
    policies: Sequence[Policy]
    effective: EffectiveSession | Problem  # a Problem: as it stands, every request is refused
    warnings: list[Problem]


async def judge_key(
    desk: Desk,
    document: Mapping[str, Any],
    org_id: str,
    *,
    malformed: str = "Request malformed",
    stored_secrets: Mapping[str, str] = NO_SECRETS,
    clear: frozenset[str] = frozenset(),
    within: str | None = None,
) -> JudgedKey:
    """`org_id` is what is said beside the body, "" for nothing; `within` what bounds the caller. Raises Refused."""
    session, warnings = _read(desk, document, malformed)
    if not session.org_id:
        session.org_id = org_id or desk.settings.default_org_id
        warnings += [] if org_id else [default_org(session.org_id)]
    assert within in (None, session.org_id), "its organisation is the one that was looked at"
    kept = keep_secrets(extract_secrets(session), stored_secrets, _known_words(clear))
    policies, missing = await _policies(desk, session)
    effective = effective_session(session, policies, missing=missing, org_id=session.org_id)
    warnings += [*kept.warnings, *(_unknown_policy(policy_id, session.org_id) for policy_id in missing)]
    if isinstance(effective, EffectiveSession):
        warnings += await api_warnings(desk, effective, kept.secrets, within)
    return JudgedKey(session, kept.secrets, policies, effective, warnings)


async def effective_of(desk: Desk, session: Session) -> EffectiveSession | Problem:
    """A stored key under today's policies."""
    policies, missing = await _policies(desk, session)
    return effective_session(session, policies, missing=missing, org_id=session.org_id)


async def policies_of(desk: Desk, session: Session) -> Sequence[Policy]:
    """Those of a stored key that there are."""
    policies, _ = await _policies(desk, session)
    return policies


def why_not_stored(desk: Desk, judged: JudgedKey) -> Problem | None:
    """Policies that are not there yet are no reason: the key opens nothing through them until they are."""
    if isinstance(judged.effective, Problem):
        awaits_policies = len(judged.policies) < len(judged.session.policy_ids)
        return None if awaits_policies else judged.effective
    if not judged.effective.access and not desk.settings.allow_master_keys:
        text = "keys must have at least one Access Rights record set."
        return Problem("access_rights", "no_access_rights", text)
    return None


def _read(desk: Desk, document: Mapping[str, Any], malformed: str) -> tuple[Session, list[Problem]]:
    sent = {name: value for name, value in document.items() if name not in READ_ONLY}
    session, problems, warnings = parse_session(sent, now=desk.clock.wall())
    if session is None:
        raise Refused(400, malformed, problems=listed(problems))
    if refused := refused_when_strict(warnings, desk.settings):
        raise Refused(400, f"{refused[0].path} {refused[0].message}", problems=listed(refused))
    return session, warnings


def _known_words(clear: frozenset[str]) -> frozenset[str]:
    if unknown := sorted(clear - set(CLEARABLE)):
        raise Refused(400, f"?clear={unknown[0]} is not known; write {', '.join(CLEARABLE)}")
    return clear


async def _policies(desk: Desk, session: Session) -> tuple[list[Policy], list[str]]:
    found: list[Policy] = []
    missing: list[str] = []
    for policy_id in session.policy_ids:
        row = await desk.records.policy(policy_id, org_id=session.org_id)
        policies = policies_of_rows([] if row is None else [row])
        found += policies
        missing += [] if policies else [policy_id]
    return found, missing


def _unknown_policy(policy_id: str, org_id: str) -> Problem:
    text = (
        f'names "{policy_id}", which organisation "{org_id}" does not have; nothing comes from it until it is created'
    )
    return Problem("apply_policies", "policy_unknown", text)


async def api_warnings(
    desk: Desk, effective: EffectiveSession, secrets: Mapping[str, str], within: str | None
) -> list[Problem]:
    warnings: list[Problem] = []
    rows = await apis_of(desk, effective.access, within)
    for api_id in effective.access:
        row = rows.get(api_id)
        warning = right_warning(api_id, row, effective.org_id)
        if warning is not None:
            warnings.append(warning)
        elif row is not None and (definition := desk.known_apis.definition(row)) is not None:
            path = f"access_rights.{api_id}"
            warnings += jwt_key_warnings(path, definition, effective.key, secrets)
    return warnings
