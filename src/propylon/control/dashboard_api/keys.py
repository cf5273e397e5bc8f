"""/api/keys: keys as the dashboard's clients see them (dashboard-api.md §2). Rules are the Gateway API's.

A key goes out wrapped, `{"key_id", "key_hash", "data": session, …}`, and comes in as a session or wrapped. A hash is
recognised by its shape, so `hashed` and `auto_guess` change nothing for whoever sends one.
"""

import json
from collections.abc import Awaitable, Callable
from typing import Any, Final

from starlette.datastructures import QueryParams

from propylon.control import key_actions, key_find, key_rotate
from propylon.control import key_reads as reads
from propylon.control import keys as writes
from propylon.control.call import Answer, Call
from propylon.control.dashboard_api.forms import document_of, done, rfc3339
from propylon.control.dashboard_api.paging import page_asked
from propylon.control.desk import Desk
from propylon.control.envelope import Refused, etag, read_body
from propylon.control.key_names import find_key, key_name
from propylon.control.key_write import stored_key
from propylon.control.ownership import org_of
from propylon.model.session import key_kind
from propylon.stores.ports import KeyRow

MALFORMED: Final = "Request body malformed."
ANY_API: Final = "-"
Write = Callable[[Desk, Call], Awaitable[Answer]]


async def read(desk: Desk, call: Call) -> Answer:
    row = await _found(desk, call)
    return Answer(200, await wrapped(desk, row, _shown_id(desk, call, row)), etag(desk.records.key_etag(row)))


async def create(desk: Desk, call: Call) -> Answer:
    """With an ID that is made."""
    return await _written(desk, call, writes.create)


async def add(desk: Desk, call: Call) -> Answer:
    """With an ID of the caller's choice."""
    return await _written(desk, call, writes.add)


async def change(desk: Desk, call: Call) -> Answer:
    return await _written(desk, call, writes.change)


async def remove(desk: Desk, call: Call) -> Answer:
    told = document_of(await writes.remove(desk, call))
    return done("Key deleted successfully.", None, key_hash=told["key_hash"])


async def preview(desk: Desk, call: Call) -> Answer:
    """As it would be in force under today's policies; nothing is stored."""
    view = document_of(await reads.preview(desk, _with_session(call)))
    warnings = view.pop("warnings")
    return Answer(200, {"api_model": {}, "key_id": "", "key_hash": "", "data": view, "warnings": warnings})


async def read_detailed(desk: Desk, call: Call) -> Answer:
    rows, more = await _page(desk, call, None)
    return Answer(200, {"keys": [await wrapped(desk, row, row.key_id) for row in rows], **more})


async def read_of_api(desk: Desk, call: Call) -> Answer:
    """Hashes, as a key's ID is usually a credential; of the whole organisation without an API, or with `-`."""
    api_id = call.path.get("api_id", ANY_API)
    rows, more = await _page(desk, call, None if api_id == ANY_API else api_id)
    return Answer(200, {"data": {"keys": [row.key_hash for row in rows]}, **more})


async def look_up(desk: Desk, call: Call) -> Answer:
    """Whatever is known of a key or of a token's subject; 200 without matches when nobody has it."""
    value = call.query.get("value", "").strip()
    if not value:
        raise Refused(400, "value is missing: a key ID, kid, hash, alias, record, subject, or a JWT", code="no_value")
    return Answer(200, await _known_by(desk, call, value))


async def renew(desk: Desk, call: Call) -> Answer:
    return _acted("Key renewed", await key_actions.renew(desk, call))


async def reset_quota(desk: Desk, call: Call) -> Answer:
    return _acted("Key quota reset", await key_actions.reset_quota(desk, call))


async def suspend(desk: Desk, call: Call) -> Answer:
    return _acted("Key suspended", await key_actions.suspend(desk, call))


async def resume(desk: Desk, call: Call) -> Answer:
    return _acted("Key resumed", await key_actions.resume(desk, call))


async def rotate(desk: Desk, call: Call) -> Answer:
    """What is made is in `Meta`, in this answer and in no other."""
    return _acted("Key rotated", await key_rotate.rotate(desk, call))


async def wrapped(desk: Desk, row: KeyRow, key_id: str) -> dict[str, Any]:
    """`key_id` is what its caller sends, "" when nobody here knows it."""
    used = await desk.records.last_used([row.record_id])
    last_used = max((at for (record_id, _), at in used.items() if record_id == row.record_id), default=0.0)
    view = await reads.own_view(desk, stored_key(desk, row))
    return {
        "api_model": {},
        "key_id": key_id,
        "key_hash": row.key_hash,
        "kind": key_kind(row.secrets),
        "expires_at": rfc3339(view["expires"]),
        "last_used": rfc3339(last_used),
        "data": view,
    }


async def _written(desk: Desk, call: Call, write: Write) -> Answer:
    answer = await write(desk, _with_session(call))
    told = document_of(answer)
    row = await desk.records.key(told["key_hash"])
    if row is None:
        raise Refused(404, "Key not found")  # removed by another call meanwhile
    extra: dict[str, Any] = {name: told[name] for name in ("kid", "algorithm", "hint", "warnings") if name in told}
    return Answer(200, {**await wrapped(desk, row, told["key"]), **extra}, dict(answer.headers))


def _with_session(call: Call) -> Call:
    """The session itself, out of the wrapper that reads put around it."""
    document = read_body(call, MALFORMED)
    inner = document.get("data")
    return call._replace(body=json.dumps(inner).encode()) if isinstance(inner, dict) else call


def _acted(message: str, answer: Answer) -> Answer:
    told = {name: value for name, value in document_of(answer).items() if name not in ("status", "action")}
    return done(message, told, headers=answer.headers)


async def _found(desk: Desk, call: Call) -> KeyRow:
    row = await find_key(desk.records.key, desk, key_name(call))
    if row is None:
        raise Refused(404, "Key not found")
    return row


def _shown_id(desk: Desk, call: Call, row: KeyRow) -> str:
    """What was sent, if it is the key's ID and not its hash."""
    sent = call.path["key_id"]
    return sent if desk.sealing.key_hash(row.org_id, sent) == row.key_hash else row.key_id


async def _page(desk: Desk, call: Call, api_id: str | None) -> tuple[list[KeyRow], dict[str, Any]]:
    """Keys, and how many pages there are. `q` is what one key is known by: its ID, hash, alias, record, or a JWT;
    nothing is searched through, and `more` says so where further ones are known by it."""
    page, org_id, asked = page_asked(desk, call), org_of(call) or None, call.query.get("q", "").strip()
    if asked:
        known = await _known_by(desk, call, asked)
        hashes = [match["key_hash"] for match in known.pop("matches") if match["kind"] == "key"]
        rows = [row for one in hashes if (row := await desk.records.key(one)) is not None]
        if api_id is not None:
            rows = [row for row in rows if api_id in json.loads(row.session).get("access_rights", {})]
        return page.of(rows), {"pages": page.pages(len(rows)), **known}
    count = await desk.records.count_keys(org_id=org_id, api_id=api_id)
    rows = await desk.records.keys(org_id=org_id, api_id=api_id, offset=page.first, limit=page.size)
    return rows, {"pages": page.pages(count)}


async def _known_by(desk: Desk, call: Call, text: str) -> dict[str, Any]:
    """`matches`, and `more` where further ones are."""
    query = QueryParams({"q": text})
    try:
        found = document_of(await key_find.find(desk, call._replace(query=query)))
    except Refused as refused:
        if refused.status != 404:
            raise
        return {"matches": []}
    return {name: found[name] for name in ("matches", "more") if name in found}
