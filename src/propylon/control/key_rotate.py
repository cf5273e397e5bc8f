"""/tyk/keys/{id}/rotate and /ring: the generations of a key added, shown and retired.

A rotation and the answer that says so are one transaction: a request repeated under its Idempotency-Key finds both or
neither, whatever was killed in between. What is made here is shown in that answer and never again.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, NamedTuple

from propylon.control.call import Answer, Call
from propylon.control.desk import Desk
from propylon.control.envelope import Refused, answer, demand_match, done, etag, listed, read_body
from propylon.control.key_judgement import api_warnings, effective_of
from propylon.control.key_material import material
from propylon.control.key_names import KeyName, find_key, key_name
from propylon.control.key_write import StoredKey, first_generation, named_key_id, stored_key
from propylon.control.rotation_order import RotationOrder, read_order
from propylon.errors import Problem
from propylon.model.effective import EffectiveSession
from propylon.model.key_id import new_key_id
from propylon.model.key_ring import (
    IN_FORCE_MAX,
    Ring,
    RingEntry,
    current,
    in_force,
    material_path,
    next_generation,
    retired,
    ring_path,
    rotated,
    without_orphans,
)
from propylon.model.session import is_jwt_key, session_to_stored
from propylon.model.session_secrets import JWT_SECRET, fingerprint, is_identifier
from propylon.stores.ports import KeyRow
from propylon.stores.records.edit import Edit

NO_KEY: Final = "Key not found"
_IDEMPOTENCY_KEY: Final = re.compile(r"[!-~]{1,255}")


class Rotation(NamedTuple):
    """What is to be stored, and what is said of it."""

    row: KeyRow
    secrets: dict[str, str]
    ring: Ring
    shown_once: dict[str, str]
    warnings: list[Problem]


async def rotate(desk: Desk, call: Call) -> Answer:
    document = read_body(call, may_be_empty=True)
    order, name, repeats = read_order(document, desk.clock.wall()), key_name(call), _idempotency_key(call)
    async with desk.records.change(call.by) as edit:
        before = await _stored(desk, edit, name)
        kept_as = f"rotate:{before.row.record_id}:{repeats}"
        said = desk.sealing.etag(json.dumps(document, sort_keys=True))
        if repeats and (known := await edit.answer_to(kept_as)) is not None:
            return _repeated(known, said)
        demand_match(call, desk.records.key_etag(before.row))
        rotation = await _rotation(desk, call, before, order)
        row = await edit.put_ring(rotation.row, rotation.secrets, rotation.ring)
        told = _told(desk, name, rotation)
        if repeats:
            await edit.keep_answer(kept_as, {"said": said, "answer": told})
    return answer({**told, **rotation.shown_once}, headers=etag(desk.records.key_etag(row)))


async def read_ring(desk: Desk, call: Call) -> Answer:
    row = await find_key(desk.records.key, desk, key_name(call))
    if row is None:
        raise Refused(404, NO_KEY)
    stored = stored_key(desk, row)
    ring = stored.ring or (first_generation(stored),)
    used = await desk.records.last_used([row.record_id])
    shown = [_view(entry, ring, stored, desk.clock.wall()) for entry in ring]
    entries = [{**one, "last_used": used.get((row.record_id, one["generation"]), 0)} for one in shown]
    return answer({"key_hash": row.key_hash, "entries": entries}, headers=etag(desk.records.key_etag(row)))


async def retire(desk: Desk, call: Call) -> Answer:
    """At once, whatever was planned. One that is retired already stays so."""
    name, generation = key_name(call), _generation(call)
    async with desk.records.change(call.by) as edit:
        before = await _stored(desk, edit, name)
        ring, row = before.ring or (first_generation(before),), before.row
        entry = next((one for one in ring if one.generation == generation), None)
        if entry is None:
            raise Refused(404, f"The key has no generation {generation}")
        if entry == current(ring, verifies=entry.verifies):
            text = f"Generation {generation} is the newest; rotate the key first, or suspend or delete it"
            raise Refused(409, text, code="generation_is_newest")
        demand_match(call, desk.records.key_etag(row))
        if entry.state != "retired":
            ring = retired(ring, [generation])
            row = await edit.put_ring(row, without_orphans(ring, before.secrets), ring)
    tag = etag(desk.records.key_etag(row))
    return done(named_key_id(desk, name, row) or name.text, "retired", headers=tag, generation=generation)


async def _stored(desk: Desk, edit: Edit, name: KeyName) -> StoredKey:
    row = await find_key(edit.key, desk, name)
    if row is None:
        raise Refused(404, NO_KEY)
    return stored_key(desk, row)


# -- a rotation -------------------------------------------------------------------------------------------------------


async def _rotation(desk: Desk, call: Call, before: StoredKey, order: RotationOrder) -> Rotation:
    verifies = is_jwt_key(before.secrets)
    if not verifies and is_identifier(before.secrets):
        raise Refused(400, "This key's ID is a user name, not a token; change its password with PUT", code="no_ring")
    ring, now = before.ring, round(desk.clock.wall(), 3)
    old = current(ring, verifies=verifies)
    if old is None:
        old = first_generation(before)
        ring = (old, *ring)
    if sum(one.verifies is verifies for one in in_force(ring, now)) >= IN_FORCE_MAX:
        text = f"The key has {IN_FORCE_MAX} generations in force; retire one of them first"
        raise Refused(409, text, code="ring_full")
    if verifies:
        return await _new_verifier(desk, call, before, order, ring, old, now)
    return _new_token(desk, before, order, ring, now)


async def _new_verifier(
    desk: Desk, call: Call, before: StoredKey, order: RotationOrder, ring: Ring, old: RingEntry, now: float
) -> Rotation:
    made = material(desk, order, old)
    was = before.secrets[JWT_SECRET]
    if made.text == was:
        raise Refused(400, f"{order.material} is what generation {old.generation} has already", code="unchanged")
    new = RingEntry(next_generation(ring), made.kind, made.algorithm, created=now)
    ring = rotated(ring, new, order.retirement)
    secrets = {**before.secrets, ring_path(old.generation): was, JWT_SECRET: made.text}
    session = replace(before.session, jwt_data=replace(before.session.jwt_data, algorithm=made.algorithm))
    row = before.row._replace(session=session_to_stored(session))
    effective = await effective_of(desk, session)
    misfits = (
        await api_warnings(desk, effective, secrets, call.org_id) if isinstance(effective, EffectiveSession) else []
    )
    if made.kind == "jwks_uri":  # whose text is no key
        misfits = [warning for warning in misfits if warning.code != "jwt_secret_unfit"]
    shown = {"secret": made.text} if made.is_made else {}
    return Rotation(row, without_orphans(ring, secrets), ring, shown, [*made.warnings, *misfits])


def _new_token(desk: Desk, before: StoredKey, order: RotationOrder, ring: Ring, now: float) -> Rotation:
    if order.material or order.algorithm:
        text = "This key is a token itself: a rotation makes another; give it jwt_data.secret with PUT to verify JWTs"
        raise Refused(400, text, code="no_jwt_key")
    token = new_key_id()
    key_hash = desk.sealing.key_hash(before.row.org_id, token)
    new = RingEntry(next_generation(ring), "token", created=now, key_hash=key_hash)
    return Rotation(before.row, before.secrets, rotated(ring, new, order.retirement), {"token": token}, [])


# -- what is said -----------------------------------------------------------------------------------------------------


def _told(desk: Desk, name: KeyName, rotation: Rotation) -> dict[str, Any]:
    """All of the answer that may be kept."""
    new, row = rotation.ring[0], rotation.row
    leaving = [one.generation for one in rotation.ring if one.state == "retiring"]
    kind = {"kind": new.kind} | ({"algorithm": new.algorithm} if new.algorithm else {})
    return {
        "key": named_key_id(desk, name, row) or row.key_hash,
        "status": "ok",
        "action": "rotated",
        "key_hash": row.key_hash,
        "generation": new.generation,
        **kind,
        "retiring": leaving,
        "warnings": listed(rotation.warnings),
    }


def _repeated(known: Mapping[str, Any], said: str) -> Answer:
    if known["said"] != said:
        text = "This Idempotency-Key was sent with another body; repeat that one, or take a new Idempotency-Key"
        raise Refused(422, text, code="idempotency_key_reused")
    return answer({**known["answer"], "repeated": True})


def _view(entry: RingEntry, ring: Ring, stored: StoredKey, now: float) -> dict[str, Any]:
    """Without its material: what tells it from others instead."""
    state = "retired" if entry.is_over(now) else entry.state
    view: dict[str, Any] = {"id": entry.id, **entry._asdict(), "state": state}
    del view["text"], view["key_hash"]
    material_text = stored.secrets.get(material_path(entry, ring), "")
    if not entry.verifies:
        view["key_hash"] = entry.key_hash
    elif state != "retired" and material_text:
        view |= {"jwks_uri": material_text} if entry.kind == "jwks_uri" else {"fingerprint": fingerprint(material_text)}
    return view


def _idempotency_key(call: Call) -> str:
    """draft-ietf-httpapi-idempotency-key-header: a quoted string; without quotes is taken as the same."""
    given = call.headers.get("Idempotency-Key")
    if given is None:
        return ""
    text = given.strip().removeprefix('"').removesuffix('"')
    if not _IDEMPOTENCY_KEY.fullmatch(text):
        raise Refused(400, "Idempotency-Key must have 1 to 255 printable ASCII characters without blanks")
    return text


def _generation(call: Call) -> int:
    text = call.path["generation"]
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Refused(404, f"The key has no generation {text!r}")
    return int(text)
