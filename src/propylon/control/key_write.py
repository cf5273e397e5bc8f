"""A judged key as the records take it: dates set, what it replaces considered.

Knows no route and starts no transaction. Time and the settings come from the desk.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import NamedTuple

from propylon.control.desk import Desk
from propylon.control.envelope import Refused, listed
from propylon.control.key_judgement import JudgedKey
from propylon.control.key_names import KeyName
from propylon.errors import Problem
from propylon.model.effective import expires_from_policies
from propylon.model.key_ring import (
    Ring,
    RingEntry,
    current,
    kind_of_secret,
    next_generation,
    read_ring,
    replaced,
    tokens_of,
    without_orphans,
)
from propylon.model.session import (
    Session,
    check_new_session,
    comparable,
    is_jwt_key,
    key_kind,
    parse_session,
    session_to_stored,
)
from propylon.model.session_secrets import JWT_SECRET, is_identifier
from propylon.stores.ports import KeyRow
from propylon.stores.records.writes import KeyWrite


class StoredKey(NamedTuple):
    row: KeyRow
    session: Session
    secrets: dict[str, str]
    ring: Ring  # empty when it was never rotated


def stored_key(desk: Desk, row: KeyRow) -> StoredKey:
    session, problems, _ = parse_session(json.loads(row.session))
    assert session is not None, f"key {row.key_hash} was judged when it was stored: {problems}"
    return StoredKey(row, session, desk.records.unseal_key(row), read_ring(row.ring))


def new_key(desk: Desk, judged: JudgedKey, key_id: str) -> KeyWrite:
    session, now = judged.session, desk.clock.wall()
    _demand_future(session, now, None)
    ends = expires_from_policies(judged.policies, now)  # M-6
    if ends is not None:
        session.expires = ends
    session.date_created, session.last_updated = _rfc3339(now), str(int(now))
    key_hash = desk.sealing.key_hash(session.org_id, key_id)
    return _write(session, judged.secrets, key_hash, key_id, reset_meters=False)


def imported_key(judged: JudgedKey, key_hash: str) -> KeyWrite:
    """As another gateway had it: its dates stay, and what was over is over. Nobody knows its ID yet."""
    return _write(judged.session, judged.secrets, key_hash, "", reset_meters=False)


def shown_key_id(stored: StoredKey, key_id: str) -> str:
    """What may be kept in clear of an ID: nothing, if it is a credential."""
    return key_id if _is_no_credential(stored.session, stored.secrets) else ""


def changed_key(desk: Desk, judged: JudgedKey, before: StoredKey, key_id: str, *, reset_meters: bool) -> KeyWrite:
    """`key_id` is "" when neither the request nor the record says it. M-13: all else is replaced."""
    session, now = judged.session, desk.clock.wall()
    _demand_future(session, now, before.session.expires)
    session.date_created = before.session.date_created
    session.last_updated = str(int(now)) if reset_meters else before.session.last_updated
    write = _write(session, judged.secrets, before.row.key_hash, key_id, reset_meters=reset_meters)
    if not before.ring:
        return write
    ring = _ring_after(judged, before, round(now, 3))
    return write._replace(ring=ring, secrets=without_orphans(ring, judged.secrets))


def same_key(desk: Desk, before: StoredKey, session: Session, *, reset_meters: bool = False) -> KeyWrite:
    """With another session, as one of its members was set by a call of its own."""
    if reset_meters:
        session.last_updated = str(int(desk.clock.wall()))
    row = before.row
    return _write(session, before.secrets, row.key_hash, row.key_id, reset_meters=reset_meters)


def first_generation(before: StoredKey) -> RingEntry:
    """What a key has that was not rotated yet, or not since it has been of its kind."""
    generation, created = next_generation(before.ring), seconds_of(before.session.date_created)
    if not is_jwt_key(before.secrets):
        return RingEntry(generation, "token", created=created, key_hash=before.row.key_hash)
    kind, algorithm = kind_of_secret(before.secrets[JWT_SECRET]), before.session.jwt_data.algorithm
    return RingEntry(generation, kind, algorithm, created=created)


def ended_generations(judged: JudgedKey, before: StoredKey) -> list[Problem]:
    """A secret that is replaced leaves nobody time; that is what a rotation is for."""
    ended = [one.generation for one in before.ring if one.verifies and one.state != "retired"]
    if not ended or judged.secrets.get(JWT_SECRET) == before.secrets.get(JWT_SECRET):
        return []
    numbers = ", ".join(map(str, ended))
    text = f"was replaced, which retires what there was at once (generation {numbers}); rotate lets them overlap"
    return [Problem(JWT_SECRET, "ring_replaced", text)]


def named_key_id(desk: Desk, name: KeyName, row: KeyRow) -> str:
    """What the client sends, "" when the key was named by its hash and its ID is a credential."""
    key_hash = desk.sealing.key_hash(row.org_id, name.text)
    is_its_id = key_hash == row.key_hash or key_hash in tokens_of(read_ring(row.ring), row.key_hash)
    return name.text if is_its_id else row.key_id


def is_same(judged: JudgedKey, before: StoredKey) -> bool:
    """Whether a write would change nothing that anyone could observe."""
    return comparable(judged.session) == comparable(before.session) and judged.secrets == before.secrets


def is_repeated(desk: Desk, judged: JudgedKey, before: StoredKey) -> bool:
    """The same for a creation that is sent again: an end that policies set then is no difference (M-6)."""
    if expires_from_policies(judged.policies, desk.clock.wall()) is not None:
        ended_alike = replace(judged.session, expires=before.session.expires)
        judged = judged._replace(session=ended_alike)
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


def _ring_after(judged: JudgedKey, before: StoredKey, now: float) -> Ring:
    """A secret that is kept is kept with its ring; another one, or none, is all there is from now on."""
    ring, algorithm, secret = before.ring, judged.session.jwt_data.algorithm, judged.secrets.get(JWT_SECRET)
    if secret != before.secrets.get(JWT_SECRET):
        kind = kind_of_secret(secret or "")
        return replaced(ring, RingEntry(next_generation(ring), kind, algorithm, created=now) if secret else None)
    newest = current(ring, verifies=True)
    return tuple(one._replace(algorithm=algorithm) if one is newest else one for one in ring)


def _write(session: Session, secrets: Mapping[str, str], key_hash: str, key_id: str, *, reset_meters: bool) -> KeyWrite:
    return KeyWrite(
        session.org_id,
        key_hash,
        session_to_stored(session),
        secrets,
        key_id=key_id if _is_no_credential(session, secrets) else "",
        alias=session.alias,
        kind=key_kind(secrets),
        api_ids=tuple(session.access_rights),
        policy_ids=tuple(session.policy_ids),
        reset_meters=reset_meters,
    )


def _is_no_credential(session: Session, secrets: Mapping[str, str]) -> bool:
    return is_identifier(secrets) and not session.allow_as_token


def seconds_of(rfc3339: str) -> float:
    try:
        return datetime.fromisoformat(rfc3339).timestamp()
    except ValueError:  # a key without one, or one that was imported with another text
        return 0.0


def _rfc3339(wall: float) -> str:
    return datetime.fromtimestamp(wall, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
