"""A judged key as the records take it: dates set, what it replaces considered.

Knows no route and starts no transaction. Time and the settings come from the desk.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from propylon.control.desk import Desk
from propylon.control.envelope import Refused, listed
from propylon.control.key_judgement import JudgedKey
from propylon.errors import Problem
from propylon.model.effective import expires_from_policies
from propylon.model.session import (
    Session,
    check_new_session,
    comparable,
    key_kind,
    parse_session,
    session_to_stored,
)
from propylon.model.session_secrets import is_identifier
from propylon.stores.ports import KeyRow
from propylon.stores.records.writes import KeyWrite


class StoredKey(NamedTuple):
    row: KeyRow
    session: Session
    secrets: dict[str, str]


def stored_key(desk: Desk, row: KeyRow) -> StoredKey:
    session, problems, _ = parse_session(json.loads(row.session))
    assert session is not None, f"key {row.key_hash} was judged when it was stored: {problems}"
    return StoredKey(row, session, desk.records.unseal_key(row))


def new_key(desk: Desk, judged: JudgedKey, key_id: str) -> KeyWrite:
    session, now = judged.session, desk.clock.wall()
    _demand_future(session, now, None)
    ends = expires_from_policies(judged.policies, now)  # M-6
    if ends is not None:
        session.expires = ends
    session.date_created, session.last_updated = _rfc3339(now), str(int(now))
    return _write(judged, desk.root_secret.key_hash(session.org_id, key_id), key_id, reset_meters=False)


def changed_key(desk: Desk, judged: JudgedKey, before: StoredKey, key_id: str, *, reset_meters: bool) -> KeyWrite:
    """`key_id` is "" when neither the request nor the record says it. M-13: all else is replaced."""
    session, now = judged.session, desk.clock.wall()
    _demand_future(session, now, before.session.expires)
    session.date_created = before.session.date_created
    session.last_updated = str(int(now)) if reset_meters else before.session.last_updated
    return _write(judged, before.row.key_hash, key_id, reset_meters=reset_meters)


def is_same(judged: JudgedKey, before: StoredKey) -> bool:
    """Whether a write would change nothing that anyone could observe."""
    return comparable(judged.session) == comparable(before.session) and judged.secrets == before.secrets


def is_repeated(desk: Desk, judged: JudgedKey, before: StoredKey) -> bool:
    """The same for a creation that is sent again: an end that policies set then is no difference (M-6)."""
    if expires_from_policies(judged.policies, desk.clock.wall()) is not None:
        judged.session.expires = before.session.expires
    return is_same(judged, before)


def became_credential(judged: JudgedKey, before: StoredKey) -> list[Problem]:
    """The ID of a key that verifies JWTs stands in every token its holder sends."""
    if not _is_no_credential(before.session, before.secrets) or _is_no_credential(judged.session, judged.secrets):
        return []
    text = "the key's ID is a credential from now on, and it stood readable in tokens; make a key with a fresh ID"
    return [Problem("", "key_id_was_public", text)]


def _demand_future(session: Session, now: float, previous_expires: int | None) -> None:
    problems = check_new_session(session, now=now, previous_expires=previous_expires)
    if problems:
        raise Refused(400, f"{problems[0].path} {problems[0].message}", problems=listed(problems))


def _write(judged: JudgedKey, key_hash: str, key_id: str, *, reset_meters: bool) -> KeyWrite:
    session = judged.session
    return KeyWrite(
        session.org_id,
        key_hash,
        session_to_stored(session),
        judged.secrets,
        key_id=key_id if _is_no_credential(session, judged.secrets) else "",
        alias=session.alias,
        kind=key_kind(judged.secrets),
        api_ids=tuple(session.access_rights),
        policy_ids=tuple(session.policy_ids),
        reset_meters=reset_meters,
    )


def _is_no_credential(session: Session, secrets: Mapping[str, str]) -> bool:
    return is_identifier(secrets) and not session.allow_as_token


def _rfc3339(wall: float) -> str:
    return datetime.fromtimestamp(wall, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
