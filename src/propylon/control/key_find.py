"""/tyk/keys/find: the key or identity behind anything that is known of it (user-pains P11, P12, P16).

An ID, a hash (ours, or the one it was imported with), an alias, a record, a subject, or a whole pasted JWT, which is
read and not verified. Of another organisation than the one asked for nothing is known. `more` names what further ones
than those told were matched by: `alias` (`GET /tyk/keys?alias=` has all), `subject` (`GET /tyk/identities?subject=`).
"""

import json
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final, NamedTuple

from propylon.control.call import Answer, Call
from propylon.control.desk import Desk
from propylon.control.envelope import Refused, answer
from propylon.control.key_names import HASH, KEY_RECORD
from propylon.control.ownership import org_of
from propylon.jose.claims import read_claims
from propylon.jose.token import parse_token
from propylon.model.key_id import is_generated
from propylon.model.tyk_hashes import LegacyHash, read_legacy_hash
from propylon.stores.ports import KeyRow
from propylon.stores.records.identities import IdentityFilter, IdentityRow

SAME_MAX: Final = 100  # keys of one alias, and identities of one subject, that are told; then that there are more
NOT_VERIFIED: Final = "read, not verified: whoever wrote this token may have written anything into it"
GENERATED: Final = "; it has the form and the checksum of an ID that a gateway like this one made"


class Match(NamedTuple):
    matched_by: str
    row: KeyRow | IdentityRow


async def find(desk: Desk, call: Call) -> Answer:
    text = call.query.get("q", "").strip()
    org_id = org_of(call)
    if not text:
        raise Refused(400, "q is missing: a key ID, hash, alias, record, subject, or a whole JWT")
    said = _read_token(text)
    finding = _by_text(desk, text, org_id) if said is None else _by_token(desk, said, org_id)
    matches: dict[str, dict[str, Any]] = {}
    numbers: Counter[str] = Counter()
    async for match in finding:
        if org_id not in ("", match.row.org_id):
            continue
        numbers[match.matched_by] += 1
        if numbers[match.matched_by] <= SAME_MAX:
            view = _view(match)
            matches.setdefault(view["record"], view)
    extra: dict[str, Any] = {} if said is None else {"token": {"verified": False, "note": NOT_VERIFIED, **said}}
    if more := [name for name, number in numbers.items() if number > SAME_MAX]:
        extra["more"] = more
    if not matches:
        where = f'in organisation "{org_id}"' if org_id else "here; if it is a key ID, name its org_id"
        hint = GENERATED if is_generated(text) else ""
        raise Refused(404, f"No key and no identity is known by that {where}{hint}", **extra)
    return answer({"matches": [*matches.values()], **extra})


def _read_token(text: str) -> dict[str, Any] | None:
    """What a JWT says of its holder; None if the text is none."""
    token = parse_token(text.removeprefix("Bearer ").strip())
    if isinstance(token, str):
        return None
    claims = read_claims(token.payload)
    said = {} if isinstance(claims, str) else claims
    return {"alg": token.alg, "kid": token.kid, "iss": said.get("iss"), "sub": said.get("sub"), "jti": said.get("jti")}


async def _by_token(desk: Desk, said: dict[str, Any], org_id: str) -> AsyncIterator[Match]:
    if said["kid"]:
        async for match in _by_id(desk, said["kid"], org_id, "kid"):
            yield match
    if isinstance(said["sub"], str):
        issuer = said["iss"] if isinstance(said["iss"], str) else ""
        for match in await _by_subject(desk, said["sub"], issuer, org_id):
            yield match
        async for match in _by_id(desk, said["sub"], org_id, "sub"):
            yield match


async def _by_text(desk: Desk, text: str, org_id: str) -> AsyncIterator[Match]:
    async for match in _by_id(desk, text, org_id, "key_id"):
        yield match
    if HASH.fullmatch(text) and (row := await desk.records.key(text.lower())) is not None:
        yield Match("key_hash", row)
    if (identity := await desk.records.identity(text)) is not None:
        yield Match("key_hash" if HASH.fullmatch(text) else "record", identity)
    named = KEY_RECORD.fullmatch(text)
    if named is not None and (row := await desk.records.key_of_record(int(named[1]))) is not None:
        yield Match("record", row)
    if isinstance(legacy := read_legacy_hash(text), LegacyHash):
        async for match in _by_legacy_hash(desk, legacy, org_id):
            yield match
    for row in await desk.records.keys_by_alias(text, org_id=org_id or None, limit=SAME_MAX + 1):
        yield Match("alias", row)
    for match in await _by_subject(desk, text, None, org_id):
        yield match


async def _by_id(desk: Desk, key_id: str, org_id: str, matched_by: str) -> AsyncIterator[Match]:
    for organisation in await _organisations(desk, org_id):
        row = await desk.records.key(desk.sealing.key_hash(organisation, key_id))
        if row is not None:
            yield Match(matched_by, row)


async def _by_legacy_hash(desk: Desk, legacy: LegacyHash, org_id: str) -> AsyncIterator[Match]:
    for organisation in await _organisations(desk, org_id):
        for imported in await desk.records.imports(organisation, [legacy]):
            row = await desk.records.key_of_record(imported.record_id)
            if row is not None:
                yield Match("legacy_hash", row)


async def _organisations(desk: Desk, org_id: str) -> Sequence[str]:
    """An ID has a hash of its own in each."""
    return [org_id] if org_id else [desk.settings.default_org_id, *await desk.records.organisations()]


async def _by_subject(desk: Desk, subject: str, issuer: str | None, org_id: str) -> list[Match]:
    chosen = IdentityFilter(org_id=org_id or None, subject=subject, issuer=issuer)
    rows = await desk.records.identities(chosen, limit=SAME_MAX + 1)
    return [Match("subject", row) for row in rows]


def _view(match: Match) -> dict[str, Any]:
    row = match.row
    if isinstance(row, IdentityRow):
        shown = {"kind": "identity", "record": row.record, "key_id": "", "alias": row.name, "issuer": row.issuer}
    else:
        alias = json.loads(row.session).get("alias", "")
        shown = {"kind": "key", "record": f"k{row.record_id}", "key_id": row.key_id, "alias": alias}
    return {**shown, "key_hash": row.key_hash, "org_id": row.org_id, "matched_by": match.matched_by}
