"""Callers by whatever people know of them: record, hash, key ID, alias, subject, or a pasted JWT (user-pains P11, P16).

An answer is records, as usage names callers; a deleted key is found by its record, which stands on its rows. Words that
mean more than FOUND_MAX are refused, as figures of some of them would look like those of all.
"""

import re
from typing import Final

from propylon.control.desk import Desk
from propylon.control.envelope import Refused
from propylon.control.usage_api.row import NO_KEY_HASH, NO_KEY_NAME
from propylon.jose.claims import read_claims
from propylon.jose.token import parse_token
from propylon.stores.records.engines import SQL_ERRORS
from propylon.stores.records.names import CallerName, callers_like, names_of, records_of_hashes

RECORD: Final = re.compile(r"k\d{1,18}|s[0-9a-f]{32}")
HASH: Final = re.compile(r"[0-9a-fA-F]{64}")
FOUND_MAX: Final = 200  # callers that one search narrows to
TOO_MANY: Final = f"More than {FOUND_MAX} callers are known by that; write more of the name, or a hash or record"


async def callers_by(desk: Desk, org_id: str | None, words: str) -> tuple[str, ...]:
    """Those meant by these words; "" among them is whoever calls without a key."""
    words = words.strip()
    if words in (NO_KEY_HASH, NO_KEY_NAME):
        return ("",)
    if RECORD.fullmatch(words):
        return (words,)
    exact = {words, *_named_in_token(words)}
    hashes = {words.lower()} if HASH.fullmatch(words) else set()
    for organisation in await _organisations(desk, org_id):
        hashes |= {desk.sealing.key_hash(organisation, one) for one in exact}
    with SQL_ERRORS:
        async with desk.records.reading_engine.connect() as connection:
            found = await records_of_hashes(connection, hashes, org_id)
            for one in exact:
                found += await callers_like(connection, one, org_id, FOUND_MAX + 1)
    callers = tuple(dict.fromkeys(found))
    if len(callers) > FOUND_MAX:
        raise Refused(400, TOO_MANY, code="too_many_callers")
    return callers


async def the_caller(desk: Desk, org_id: str | None, words: str) -> tuple[str, ...]:
    """The same where a path names one; 404 when nobody is known by it."""
    found = await callers_by(desk, org_id, words)
    if not found:
        where = "" if org_id is None else f" in organisation {org_id}"
        raise Refused(404, f"No key with this ID or hash{where}; a deleted one is found by its record")
    return found


async def named(desk: Desk, records: list[str]) -> dict[str, CallerName]:
    with SQL_ERRORS:
        async with desk.records.reading_engine.connect() as connection:
            return await names_of(connection, records)


async def _organisations(desk: Desk, org_id: str | None) -> list[str]:
    """A key ID has a hash of its own in each."""
    return [desk.settings.default_org_id, *await desk.records.organisations()] if org_id is None else [org_id]


def _named_in_token(text: str) -> set[str]:
    """What a JWT says of its holder, not verified; it only finds who is known already."""
    token = parse_token(text.removeprefix("Bearer ").strip())
    if isinstance(token, str):
        return set()
    claims = read_claims(token.payload)
    subject = None if isinstance(claims, str) else claims.get("sub")
    return {one for one in (token.kid, subject) if isinstance(one, str) and one}
