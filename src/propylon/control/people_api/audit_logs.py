"""/api/audit-logs (dashboard-api.md §7): a page, one entry, or with `download=true` all that was chosen."""

from collections.abc import Mapping
from typing import Any, Final

from propylon.control import audit
from propylon.control.call import Answer, Call
from propylon.control.desk import Desk
from propylon.control.people.caller import Caller
from propylon.control.people_api.shapes import page_of
from propylon.stores.records.audit import AuditRow
from propylon.stores.records.audit_reads import AuditFilter

MEDIA_TYPES: Final[Mapping[audit.Form, str]] = {"csv": "text/csv", "json": "application/x-ndjson"}


async def read_all(desk: Desk, caller: Caller, call: Call) -> Answer:
    chosen = audit.filter_from(call.query)
    if call.query.get("download", "").lower() in ("1", "true"):
        return await _download(desk, caller, call, chosen)
    page = await audit.read_page(desk, caller, chosen, page=page_of(call))
    return Answer(200, {"audit_logs": [_view(row) for row in page.rows], "pages": page.pages})


async def read(desk: Desk, caller: Caller, call: Call) -> Answer:
    text = call.path["number"]
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
    return Answer(200, _view(await audit.read_entry(desk, caller, number)))


async def _download(desk: Desk, caller: Caller, call: Call, chosen: AuditFilter) -> Answer:
    form: audit.Form = "csv" if call.query.get("type", "json") == "csv" else "json"
    pieces = await audit.export(desk, caller, chosen, form)
    headers = {"Content-Type": MEDIA_TYPES[form], "Content-Disposition": f'attachment; filename="audit.{form}"'}
    return Answer(200, pieces, headers)


def _view(row: AuditRow) -> dict[str, Any]:
    """Ours, and Tyk's names beside where they mean the same."""
    shown = audit.entry_view(row)
    named = {"_id": str(row.number), "date": shown["time"], "timestamp": int(row.at), "ip": row.address}
    return {**shown, **named, "user": row.actor_label or row.actor}
