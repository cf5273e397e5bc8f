"""What was done to one object, from the audit log, for those who may read that."""

from typing import Final, NamedTuple

from propylon.dashboard.visit import Visit
from propylon.stores.records.audit_reads import AuditFilter

LENGTH: Final = 20
THROUGH: Final = {
    "gateway_api": "the Gateway API",
    "admin_api": "the admin API",
    "files": "files",
    "cli": "the command line",
    "propylon": "Propylon itself",
}


class Deed(NamedTuple):
    at: float
    who: str
    address: str
    action: str
    fields: list[str]  # members that changed, by name


async def trail_of(visit: Visit, name: str) -> list[Deed] | None:
    """Newest first; `name` in the words of the change log. None to whom it is not shown."""
    if not visit.who.permissions.allows("audit_logs", "read"):
        return None
    chosen = AuditFilter(org_id=visit.who.org_id, object=name)
    rows = await visit.desk.records.audit.page(chosen, limit=LENGTH)
    return [
        Deed(
            row.at,
            row.actor_label or THROUGH.get(row.actor_kind, "") or row.actor or row.actor_kind,
            row.address,
            row.action.replace("_", " "),
            row.fields,
        )
        for row in rows
    ]
