"""The audit log: who did what, when and from where; one entry; the whole as a file; whether it is what was written."""

from typing import Final, NamedTuple
from urllib.parse import quote, urlencode

from starlette.responses import Response, StreamingResponse

from propylon.control import audit
from propylon.control.envelope import Refused
from propylon.control.people_api.audit_logs import MEDIA_TYPES
from propylon.dashboard.pages.users import page_number
from propylon.dashboard.visit import Visit
from propylon.dashboard.words import short_hash
from propylon.stores.records.audit import AuditRow

PAGE: Final = 25
FILTERS: Final = ("user", "action", "object", "ip", "from_date", "to_date")
ACTIONS: Final = (
    *(
        "create",
        "change",
        "delete",
        "rotate",
        "revoke",
        "allow",
        "suspend",
        "resume",
        "import",
        "pin",
        "drop",
        "restore",
    ),
    *("sign_in", "sign_out", "end_sign_in", "sign_in_refused", "wrong_secret"),
    *("change_password", "reset_password", "export"),
)
KINDS: Final = {"create": "good", "delete": "bad", "revoke": "bad", "sign_in_refused": "warn", "wrong_secret": "warn"}
# Where what an entry speaks of has a page; what is in the braces is the rest of its name.
PLACES: Final = {
    "user": "/users/{}",
    "user_group": "/groups/{}",
    "key": "/keys/{}",
    "identity": "/identities/{}",
    "api": "/apis/{}",
    "policy": "/policies/{}",
}


class Shown(NamedTuple):
    """An entry, with names that people know for what has one now."""

    row: AuditRow
    who: str
    what: str  # the kind of the object
    name: str
    place: str  # its page, "" without one


async def show(visit: Visit) -> Response:
    said = {name: visit.query.get(name, "").strip() for name in FILTERS}
    errors: dict[str, str] = {}
    page, found = page_number(visit.query.get("p", "1")), audit.Page([], 1)
    try:
        found = await audit.read_page(visit.desk, visit.caller, audit.filter_from(said), page=page, size=PAGE)
    except Refused as refused:
        problems = refused.members.get("problems")
        if not problems:
            raise
        errors = {one["path"]: f"It {one['message']}." for one in problems}
    return visit.page(
        "audit.html",
        422 if errors else 200,
        entries=[await _shown(visit, row) for row in found.rows],
        said=said,
        actions=ACTIONS,
        kinds=KINDS,
        errors=errors,
        page=page,
        pages=found.pages,
        chosen=urlencode({name: value for name, value in said.items() if value}),
        chain=await visit.desk.records.audit_chain.step(),
        checked_at=visit.desk.records.audit_chain.at,
    )


async def show_entry(visit: Visit) -> Response:
    text = visit.path["number"]
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
    row = await audit.read_entry(visit.desk, visit.caller, number)
    chain = await visit.desk.records.audit_chain.step()
    return visit.page("audit_entry.html", one=await _shown(visit, row), chain=chain)


async def export(visit: Visit) -> Response:
    form: audit.Form = "csv" if visit.query.get("type", "json") == "csv" else "json"
    pieces = await audit.export(visit.desk, visit.caller, audit.filter_from(visit.query), form)
    name = f'attachment; filename="audit.{form}"'
    return StreamingResponse(pieces, media_type=MEDIA_TYPES[form], headers={"Content-Disposition": name})


async def show_chain(visit: Visit) -> Response:
    """Goes on verifying by one step, so that loading it again is progress."""
    chain = visit.desk.records.audit_chain
    found = await chain.step()
    return visit.page("audit_chain.html", chain=found, checked_at=chain.at)


async def verify_anew(visit: Visit) -> Response:
    visit.desk.records.audit_chain.begin_anew()
    return visit.to("/audit/chain")


async def _shown(visit: Visit, row: AuditRow) -> Shown:
    """An object's name and page are those of now; what is gone keeps its record."""
    kind, _, rest = row.object.partition(":")
    name = rest.partition("/")[2] if kind == "policy" else rest  # its organisation stands before it
    place = PLACES.get(kind, "").format(quote(name, safe=""))
    known = await _name(visit, kind, rest) if rest else None
    gone = known is None and kind in ("user", "user_group")
    who = row.actor_label or {"user": row.actor}.get(row.actor_kind, row.actor_kind.replace("_", " "))
    return Shown(
        row, who, kind.replace("_", " "), known or short_hash(name), "" if gone or row.action == "delete" else place
    )


async def _name(visit: Visit, kind: str, id_: str) -> str | None:
    people, org_id = visit.desk.records.people, visit.who.org_id
    if kind == "user":
        user = await people.user(id_, org_id)
        return None if user is None else user.email
    if kind == "user_group":
        group = await people.group(id_, org_id)
        return None if group is None else group.name
    return None
