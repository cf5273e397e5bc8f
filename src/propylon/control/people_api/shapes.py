"""Users, groups and organisations in the shapes of Tyk's dashboard API (dashboard-api.md §1, §6, §8), and its envelope.

Nothing here shows a password's hash, a token or an access key; one that was just made is put beside by whoever made it.
"""

import json
from datetime import UTC, datetime
from typing import Any

from propylon.control.call import Answer, Call
from propylon.control.envelope import Refused, listed
from propylon.control.strict_json import MalformedJson, read_object
from propylon.errors import Problem
from propylon.stores.records.people import GroupRow, OrganisationRow, SignInRow, UserRow

MALFORMED = "Request body malformed."


def done(message: str, meta: object = None, **members: Any) -> Answer:
    return Answer(200, {"Status": "OK", "Message": message, "Meta": meta, **members})


def read_body(call: Call, *, may_be_empty: bool = False) -> dict[str, Any]:
    """Whatever Content-Type it has: Tyk's clients often send none, or that of a form. Raises Refused."""
    if may_be_empty and not call.body:
        return {}
    try:
        return read_object(call.body)
    except MalformedJson as trouble:
        problem = Problem("", "json_malformed", f"the body {trouble}")
        raise Refused(400, MALFORMED, problems=listed([problem])) from None


def page_of(call: Call) -> int:
    """`p`, from 1; 0 or less asks for all. Raises Refused."""
    text = call.query.get("p", "1")
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 10):
        raise Refused(400, "p must be a whole number")
    return int(text)


def user_view(row: UserRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "first_name": row.first_name,
        "last_name": row.last_name,
        "email_address": row.email,
        "org_id": row.org_id,
        "active": bool(row.active),
        "group_id": row.group_id,
        "user_permissions": json.loads(row.permissions),
        "created_at": time_of(row.created_at),
        "last_login_date": time_of(row.last_login_at),
        "password_max_days": 0,
        "password_updated": time_of(row.password_changed_at),
        "must_change_password": bool(row.must_change_password),
    }


def group_view(row: GroupRow) -> dict[str, Any]:
    texts = {"id": row.id, "org_id": row.org_id, "name": row.name, "description": row.description}
    return {**texts, "active": True, "user_permissions": json.loads(row.permissions)}


def organisation_view(row: OrganisationRow) -> dict[str, Any]:
    return {**json.loads(row.body), "id": row.id}


def sign_in_view(row: SignInRow, current: str) -> dict[str, Any]:
    """Named by the hash of its token, which lets nobody in."""
    times = {"created_at": time_of(row.created_at), "last_seen": time_of(row.last_seen_at)}
    ends = {"expires": time_of(row.expires_at), "current": row.token_hash == current}
    return {"id": row.token_hash, **times, **ends, "ip": row.address, "user_agent": row.user_agent}


def time_of(at: float) -> str:
    """RFC 3339; for never what Go writes for no time."""
    if not at:
        return "0001-01-01T00:00:00Z"
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
