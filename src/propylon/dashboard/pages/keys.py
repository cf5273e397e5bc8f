"""The keys: a page of them, and the search that takes anything that is known of one (user-pains P11, P12, P16).

What is searched for may be a credential, so it travels in a form and never in a URL.
"""

import json
from typing import Any, Final, NamedTuple

from starlette.responses import Response

from propylon.control import key_find
from propylon.control.envelope import Refused
from propylon.dashboard.asking import ask
from propylon.dashboard.visit import Visit
from propylon.model.session import key_kind
from propylon.stores.ports import KeyRow

PAGE: Final = 25
EMPTY: Final = "Write or paste something that is known of the key."


class Shown(NamedTuple):
    """A key as the list shows it."""

    key_hash: str
    key_id: str
    alias: str
    kind: str
    policies: list[str]
    expires: float
    last_used: float
    state: str  # active, suspended or expired


async def show(visit: Visit) -> Response:
    """`?after=` is the record of the last one before this page, as the page before says."""
    after = _number(visit.query.get("after", "0"))
    rows = await visit.desk.records.keys(org_id=visit.who.org_id, after=after, limit=PAGE + 1)
    page = rows[:PAGE]
    next_after = page[-1].record_id if len(rows) > PAGE else None
    keys = await shown_keys(visit, page)
    return visit.page("keys.html", keys=keys, after=after, next_after=next_after, q="", error="", matches=None)


async def find(visit: Visit) -> Response:
    """One key or identity is shown at once; several are listed."""
    q = visit.form.text("q")
    if not q:
        return _searched(visit, 422, error=EMPTY)
    try:
        found = await ask(visit, key_find.find, query={"q": q})
    except Refused as refused:
        if refused.status != 404:
            raise
        return _searched(visit, 404, matches=[])
    if len(found["matches"]) == 1:
        return visit.to(place_of(found["matches"][0]))
    return _searched(visit, 200, matches=[{**one, "place": place_of(one)} for one in found["matches"]])


def _searched(visit: Visit, status: int, error: str = "", matches: Any = None) -> Response:
    """What was searched for is not shown again, as it may be a credential."""
    return visit.page("keys.html", status, keys=[], after=0, next_after=None, q="", error=error, matches=matches)


def place_of(match: dict[str, Any]) -> str:
    if match["kind"] == "identity":
        return f"/identities/{match['record']}"
    return f"/keys/{match['key_hash']}"


async def shown_keys(visit: Visit, rows: list[KeyRow]) -> list[Shown]:
    used = await visit.desk.records.last_used([row.record_id for row in rows])
    latest: dict[int, float] = {}
    for (record_id, _), at in used.items():
        latest[record_id] = max(at, latest.get(record_id, 0.0))
    return [_shown(row, latest.get(row.record_id, 0.0), visit.now) for row in rows]


def _shown(row: KeyRow, last_used: float, now: float) -> Shown:
    session = json.loads(row.session)
    expires = session.get("expires", 0)
    single = session.get("apply_policy_id") or ""
    policies = session.get("apply_policies") or ([single] if single else [])
    state = "suspended" if session.get("is_inactive") else "expired" if 1 < expires < now else "active"
    alias = session.get("alias", "")
    return Shown(row.key_hash, row.key_id, alias, key_kind(row.secrets), policies, expires, last_used, state)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Refused(400, "after must be a whole number: follow the links below the list")
    return int(text)
