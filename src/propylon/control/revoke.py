"""/tyk/revoke and /tyk/revocations: one token, a subject, an issuer or a key is refused, until a time or for good.

Nothing has to be known of who is revoked, but for a key, where a slip in its name is better told than stored. The very
next request is decided by it, on every worker; running ones end within a second.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any, Final

from propylon.control.call import Answer, Call
from propylon.control.desk import Desk
from propylon.control.envelope import Refused, answer, done, listed, read_body
from propylon.control.key_names import KEY_RECORD, KeyName, find_key
from propylon.control.ownership import is_hidden, org_of
from propylon.errors import Problem
from propylon.stores.ports import Revocation
from propylon.stores.records.edit import Edit
from propylon.stores.records.revocations import REVOCATIONS_MAX, TooMany

KINDS: Final = ("jti", "subject", "issuer", "key")
MEMBERS: Final = frozenset({*KINDS, "org_id", "until"})
VALUE_MAX_BYTES: Final = 1024
PAGE: Final = 1000
NOT_FOUND: Final = "There is no such revocation"


async def revoke(desk: Desk, call: Call) -> Answer:
    """Again, it only moves the end."""
    document = read_body(call)
    if problems := _problems(document, desk.clock.wall()):
        raise Refused(400, f"{problems[0].path} {problems[0].message}".strip(), problems=listed(problems))
    async with desk.records.change(call.by) as edit:
        revocation = await _revocation(desk, call, edit, document)
        try:
            is_new = await edit.revocations.put(revocation)
        except TooMany:
            text = f"{REVOCATIONS_MAX} revocations are in force; remove some, or give an end (until) to those to come"
            raise Refused(409, text, code="revocations_full") from None
    return done(revocation.value, "revoked" if is_new else "modified", **_view(revocation))


async def read_all(desk: Desk, call: Call) -> Answer:
    """In the order of their names; `next` goes on where a page ended."""
    query = call.query
    kind = query.get("kind") or None
    if kind is not None:
        _demand_kind(kind)
    org_id = None if call.org_id is None else org_of(call)
    after = _place(query.get("after", ""))
    rows = await desk.records.revocations(kind=kind, org_id=org_id, after=after, limit=PAGE)
    more = {"next": _page_after(rows[-1].revocation)} if len(rows) == PAGE else {}
    return answer({"revocations": [{**_view(row.revocation), "at": int(row.at)} for row in rows], **more})


async def remove(desk: Desk, call: Call) -> Answer:
    """The value in the path, or in the query if it holds a slash; without issuer or org_id, those of any."""
    kind, query = call.path["kind"], call.query
    _demand_kind(kind)
    value = call.path.get("value") or query.get("value", "")
    issuer, org_id = query.get("issuer"), query.get("org_id") if call.org_id is None else org_of(call)
    async with desk.records.change(call.by) as edit:
        if kind == "key":
            value, issuer, org_id = await _key_record(desk, call, edit, value), None, None
        removed = await edit.revocations.remove(kind, value, issuer, org_id)
        if not removed:
            raise Refused(404, NOT_FOUND)
    return done(value, "deleted", removed=[_view(one) for one in removed])


def _problems(document: dict[str, Any], now: float) -> list[Problem]:
    unknown = [Problem(name, "unknown", "is not known here; leave it out") for name in sorted({*document} - MEMBERS)]
    named = [name for name in KINDS if name in document]
    others = [name for name in named if name != "issuer"]
    if not named or len(others) > 1 or named == ["issuer", "key"]:
        text = "name one of jti, subject, issuer and key; an issuer may stand beside a jti or a subject"
        return [*unknown, Problem("", "revoke_what", text)]
    found = [problem for name in named if (problem := _text_problem(name, document[name])) is not None]
    if not isinstance(document.get("org_id", ""), str):
        found.append(Problem("org_id", "wrong_type", "must be a string"))
    return [*unknown, *found, *_until_problems(document.get("until", 0), now)]


def _text_problem(name: str, value: object) -> Problem | None:
    if not isinstance(value, str) or not value or "\0" in value:
        return Problem(name, "wrong_type", "must be a text, and not an empty one")
    if len(value.encode()) > VALUE_MAX_BYTES:
        return Problem(name, "too_long", f"has more than {VALUE_MAX_BYTES} bytes")
    return None


def _until_problems(until: object, now: float) -> list[Problem]:
    if isinstance(until, bool) or not isinstance(until, int | float) or until < 0:
        return [Problem("until", "wrong_type", "must be a Unix time in seconds; leave it out for good")]
    if 0 < until <= now:
        return [Problem("until", "until_in_past", "is in the past; give a later Unix time, or leave it out for good")]
    return []


async def _revocation(desk: Desk, call: Call, edit: Edit, document: dict[str, Any]) -> Revocation:
    """Without an organisation, of every one: a revocation that misses its caller is worse than one that is wide."""
    org_id, until = _said_org(call, document), float(document.get("until", 0))
    if "key" in document:
        record = await _record(desk, edit, document["key"], org_id)
        if record is None:
            raise Refused(404, "Key not found")
        return Revocation("key", record, "", until)
    kind = next((name for name in ("jti", "subject") if name in document), "issuer")
    return Revocation(kind, document[kind], org_id, until, document.get("issuer", "") if kind != "issuer" else "")


async def _record(desk: Desk, edit: Edit, name: str, org_id: str) -> str | None:
    """Of a key, named as everywhere by its ID or hash."""
    row = await find_key(edit.key, desk, KeyName(name, org_id, is_hash=False))
    return None if row is None else f"k{row.record_id}"


async def _key_record(desk: Desk, call: Call, edit: Edit, value: str) -> str:
    """The record of the key that is named, by ID or hash, or as the list of revocations names it."""
    record = await _record(desk, edit, value, org_of(call))
    if record is not None or call.org_id is None:
        return record or value
    named = KEY_RECORD.fullmatch(value)
    row = None if named is None else await desk.records.key_of_record(int(named[1]))
    if row is None or is_hidden(call, row.org_id):
        raise Refused(404, NOT_FOUND)
    return value


def _said_org(call: Call, document: dict[str, Any]) -> str:
    """Of who sees every organisation, only what the body says: a revocation without one is of them all."""
    own = org_of(call, document.get("org_id"))
    return document.get("org_id", "") if call.org_id is None else own


def _demand_kind(kind: str) -> None:
    if kind not in KINDS:
        raise Refused(404, f"{NOT_FOUND}: kinds are {', '.join(KINDS)}")


def _view(revocation: Revocation) -> dict[str, Any]:
    return {**revocation._asdict(), "until": int(revocation.until)}


def _page_after(revocation: Revocation) -> str:
    name = [revocation.kind, revocation.value, revocation.issuer, revocation.org_id]
    return urlsafe_b64encode(json.dumps(name).encode()).decode()


def _place(text: str) -> tuple[str, ...]:
    try:
        name = json.loads(urlsafe_b64decode(text)) if text else []
    except ValueError:
        name = None
    if not isinstance(name, list) or len(name) not in (0, 4) or not all(isinstance(part, str) for part in name):
        raise Refused(400, "after must be what `next` of the page before said")
    return tuple(name)
