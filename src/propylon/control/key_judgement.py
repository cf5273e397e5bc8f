"""A key that is to be stored or previewed, judged as a whole: its body, and the policies and APIs that it names.

Knows no route. Every fault is refused; everything doubtful is a warning, so that a body which Tyk takes is taken, and
what it hides is said (user-pains P18).
"""

import json
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from propylon.control.definitions import default_org, refused_when_strict
from propylon.control.desk import Desk
from propylon.control.envelope import Refused, listed
from propylon.control.jwt_key import jwt_key_warnings
from propylon.errors import Problem
from propylon.model.effective import EffectiveSession, effective_session
from propylon.model.policy import Policy, policies_of_rows
from propylon.model.session import Session, extract_secrets, parse_session

READ_ONLY: Final = frozenset({"key_hash", "key_id", "kind", "effective"})  # of answers; passed over when sent
SECRET_WEAKNESSES: Final = frozenset({"secret_short", "secret_public"})


class JudgedKey(NamedTuple):
    session: Session  # without its secrets
    secrets: dict[str, str]  # those the body holds
    policies: Sequence[Policy]
    effective: EffectiveSession | Problem  # a Problem: as it stands, every request is refused
    warnings: list[Problem]


async def judge_key(desk: Desk, document: dict[str, Any], org_id: str, malformed: str) -> JudgedKey:
    """`org_id` is what the request says beside its body. Raises Refused, with the text for a body of the wrong shape."""
    session, warnings = _read(desk, document, malformed)
    if not session.org_id:
        session.org_id = org_id or desk.settings.default_org_id
        if not org_id:
            warnings.append(default_org(session.org_id))
    secrets = extract_secrets(session)
    policies, missing = await _policies(desk, session)
    effective = effective_session(session, policies, missing=missing, org_id=session.org_id)
    warnings += [_unknown_policy(policy_id, session.org_id) for policy_id in missing]
    if isinstance(effective, EffectiveSession):
        warnings += await _api_warnings(desk, effective, secrets)
    return JudgedKey(session, secrets, policies, effective, warnings)


async def effective_of(desk: Desk, session: Session) -> EffectiveSession | Problem:
    """A stored key under today's policies."""
    policies, missing = await _policies(desk, session)
    return effective_session(session, policies, missing=missing, org_id=session.org_id)


def creation_trouble(desk: Desk, judged: JudgedKey) -> Problem | None:
    """Why no key may be made of it. Policies that are not there yet are no reason: the key opens nothing until then."""
    if isinstance(judged.effective, Problem):
        names_missing = len(judged.policies) < len(judged.session.policy_ids)
        return None if names_missing else judged.effective
    if not judged.effective.access and not desk.settings.allow_master_keys:
        text = "keys must have at least one Access Rights record set."
        return Problem("access_rights", "no_access_rights", text)
    return None


def _read(desk: Desk, document: dict[str, Any], malformed: str) -> tuple[Session, list[Problem]]:
    sent = {name: value for name, value in document.items() if name not in READ_ONLY}
    session, problems, warnings = parse_session(sent, now=desk.clock.wall())
    if session is None:
        raise Refused(400, malformed, problems=listed(problems))
    refused = refused_when_strict(warnings, desk.settings)
    refused += [one for one in warnings if desk.settings.strict_secrets and one.code in SECRET_WEAKNESSES]
    if refused:
        raise Refused(400, f"{refused[0].path} {refused[0].message}", problems=listed(refused))
    return session, warnings


async def _policies(desk: Desk, session: Session) -> tuple[list[Policy], list[str]]:
    found, missing = [], []
    for policy_id in session.policy_ids:
        row = await desk.records.policy(session.org_id, policy_id)
        policies = policies_of_rows([row] if row is not None else [])
        found += policies
        missing += [] if policies else [policy_id]
    return found, missing


def _unknown_policy(policy_id: str, org_id: str) -> Problem:
    text = f'names "{policy_id}", which organisation "{org_id}" does not have; create it, or the key opens nothing through it'
    return Problem("apply_policies", "policy_unknown", text)


async def _api_warnings(desk: Desk, effective: EffectiveSession, secrets: dict[str, str]) -> list[Problem]:
    warnings: list[Problem] = []
    for api_id in effective.access:
        row = await desk.records.api(api_id)
        path = f"access_rights.{api_id}"
        if row is None:
            text = "is no API of this gateway; the right opens nothing until there is one"
            warnings.append(Problem(path, "api_unknown", text))
        elif row.org_id != effective.org_id:
            text = f'is an API of organisation "{row.org_id}", which keys of "{effective.org_id}" do not open'
            warnings.append(Problem(path, "api_of_other_org", text))
        elif (definition := desk.records.definition_of(row)) is not None:
            warnings += jwt_key_warnings(path, definition, effective.key, secrets)
    return warnings
