"""Which ID an imported key gets: the one that its first good use names, or that its owner has listed (auth.md §10.3).

Decided here alone, within a transaction, for every worker. A legacy hash proves an ID as far as it is hard to hit.
From 32 bits, some of them lost, nothing follows: such a key waits for a list, for a JWT signed with its own secret, or
for the first who comes, if `legacy_pin_on_first_use_until` says so. A JWT key always waits for a JWT of its own.
"""

import logging
from collections.abc import Callable
from typing import Final

from propylon.control.call import Answer, Call
from propylon.control.desk import Desk
from propylon.control.envelope import Refused, answer, read_body
from propylon.control.key_write import StoredKey, shown_key_id, stored_key
from propylon.control.ownership import org_of
from propylon.errors import Problem
from propylon.jose.claims import check_times, read_claims
from propylon.jose.token import parse_token
from propylon.jose.verification import family_of, from_pem, from_secret, verify
from propylon.model.session import check_key_id, is_jwt_key
from propylon.model.session_secrets import JWT_SECRET
from propylon.model.tyk_hashes import GUESSABLE, LegacyHash, candidates, canonical_id
from propylon.steps.imported_keys import PINNED, UNKNOWN
from propylon.stores.records.edit import Edit
from propylon.stores.records.imported_keys import IdTaken, ImportRow, Pin

log = logging.getLogger("propylon.audit")
TAKEN: Final = "legacy_hash_taken"
UNPROVEN: Final = "legacy_hash_unproven"
AMBIGUOUS: Final = "legacy_hash_ambiguous"
ID_TAKEN: Final = "legacy_id_taken"

Proof = Callable[[LegacyHash, StoredKey], bool]


async def pin(desk: Desk, call: Call) -> Answer:
    """What workers ask: `{"org_id", "key_id", "token"}`, the ID as it was presented."""
    document = read_body(call)
    org_id, presented, token = (document.get(name, "") for name in ("org_id", "key_id", "token"))
    if not (isinstance(org_id, str) and isinstance(presented, str) and isinstance(token, str) and presented):
        raise Refused(400, "org_id, key_id and token must be texts")
    org_id = org_of(call, org_id)
    async with desk.records.change(call.by) as edit:
        reason = await pin_id(desk, edit, org_id, presented, lambda legacy, key: is_proven(desk, legacy, key, token))
    if reason not in (PINNED, UNKNOWN):
        log.warning("an unknown key ID in organisation %s has the legacy hash of an imported key: %s", org_id, reason)
    return answer({"status": "ok", "reason": reason})


async def pin_id(desk: Desk, edit: Edit, org_id: str, presented: str, proof: Proof) -> str:
    """PINNED, also when it was before; UNKNOWN, when no import has to do with it; else why not."""
    key_id = canonical_id(org_id, presented)
    if not key_id or check_key_id(key_id, desk.settings.min_token_length) is not None:
        return UNKNOWN
    spellings = {candidate.legacy: candidate.spellings for candidate in candidates(org_id, key_id)}
    rows = await edit.imports.find(org_id, [*spellings])
    key_hash = desk.sealing.key_hash(org_id, key_id)
    if not rows or any(row.pinned_key_hash == key_hash for row in rows):
        return PINNED if rows else UNKNOWN
    chosen = _chosen(rows)
    if isinstance(chosen, str):
        return chosen
    row = await edit.imports.key(chosen.record_id)
    assert row is not None, "what was imported goes with its key"
    stored = stored_key(desk, row)
    if not proof(chosen.legacy, stored):
        return UNPROVEN
    others = [desk.sealing.key_hash(org_id, text) for text in spellings[chosen.legacy] if text != key_id]
    try:
        await edit.imports.pin(chosen, Pin(key_hash, shown_key_id(stored, key_id), others))
    except IdTaken:
        return ID_TAKEN
    return PINNED


def is_proven(desk: Desk, legacy: LegacyHash, key: StoredKey, token: str) -> bool:
    if is_jwt_key(key.secrets):
        return _has_signed(key, token, int(desk.clock.wall()))
    return legacy.algorithm != GUESSABLE or desk.clock.wall() < desk.settings.legacy_pin_on_first_use_until


def is_listed(legacy: LegacyHash, key: StoredKey) -> bool:
    """Whoever lists an ID answers for it."""
    return True


def _chosen(rows: list[ImportRow]) -> ImportRow | str:
    """A hash that is hard to hit counts before one of 32 bits."""
    fitting = [row for row in rows if row.legacy.algorithm != GUESSABLE] or rows
    if len({row.record_id for row in fitting}) > 1:
        return AMBIGUOUS
    return TAKEN if fitting[0].pinned_key_hash else fitting[0]


def _has_signed(key: StoredKey, token: str, now: int) -> bool:
    """By the key's own secret or public key, and not over: an old token proves no present holder."""
    parsed = parse_token(token)
    family = None if isinstance(parsed, str) else family_of(parsed.alg)
    if isinstance(parsed, str) or family is None:
        return False
    secret, algorithm = key.secrets[JWT_SECRET].encode(), key.session.jwt_data.algorithm
    allowed = {algorithm} if algorithm else None
    record = (
        from_secret(secret, id="", algorithms=allowed)
        if family == "hmac"
        else from_pem(secret, family=family, id="", algorithms=allowed)
    )
    claims = read_claims(parsed.payload)
    if isinstance(record, Problem) or isinstance(claims, str) or verify(parsed, record) is not None:
        return False
    return check_times(claims, now, exp_skew=0, iat_skew=0, nbf_skew=0) is None
