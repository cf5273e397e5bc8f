"""The audit log read: pages of entries, newest first, and all of it from the first, to verify and export."""

import json
from collections.abc import AsyncIterator
from typing import Any, Final, NamedTuple

from sqlalchemy import Row, func, select

from propylon.stores.records.audit import AuditRow, End, stored_end
from propylon.stores.records.engines import Connect
from propylon.stores.records.people_tables import audit
from propylon.stores.sealing import Sealing

WALKED: Final = 1_000  # entries in memory at once

_SELECT: Final = select(*(audit.c[name] for name in AuditRow._fields))


class AuditFilter(NamedTuple):
    """Which entries are asked for; None: any. `org_id` shows what belongs to that organisation and nothing else."""

    org_id: str | None = None
    actor: str | None = None  # a user's record
    label: str | None = None  # or their e-mail address
    kind: str | None = None
    action: str | None = None
    object: str | None = None
    address: str | None = None
    since: float | None = None
    until: float | None = None  # entries before it


class AuditReads:
    """Of one set of records."""

    def __init__(self, connect: Connect, sealing: Sealing) -> None:
        self._connect = connect
        self._sealing = sealing

    async def page(self, chosen: AuditFilter, *, below: int | None = None, limit: int, skip: int = 0) -> list[AuditRow]:
        """Newest first, those with numbers under `below`."""
        query = _chosen(chosen).order_by(audit.c.number.desc()).limit(limit).offset(skip)
        if below is not None:
            query = query.where(audit.c.number < below)
        async with self._connect() as connection:
            return [_audit_row(row) for row in await connection.execute(query)]

    async def count(self, chosen: AuditFilter, most: int) -> int:
        """Up to `most`."""
        found = _chosen(chosen).with_only_columns(audit.c.number).limit(most).subquery()
        async with self._connect() as connection:
            return await connection.scalar(select(func.count()).select_from(found)) or 0

    async def entry(self, number: int, org_id: str | None = None) -> AuditRow | None:
        rows = await self.page(AuditFilter(org_id=org_id), below=number + 1, limit=1)
        return rows[0] if rows and rows[0].number == number else None

    async def walk(self, chosen: AuditFilter, after: int = 0) -> AsyncIterator[list[AuditRow]]:
        """From the oldest, a piece at a time; what is added meanwhile comes too."""
        while True:
            query = _chosen(chosen).where(audit.c.number > after).order_by(audit.c.number).limit(WALKED)
            async with self._connect() as connection:
                rows = [_audit_row(row) for row in await connection.execute(query)]
            if not rows:
                return
            yield rows
            after = rows[-1].number

    async def end(self) -> End | None:
        """How far the log says it goes; None when that is missing or forged."""
        async with self._connect() as connection:
            return await stored_end(connection, self._sealing)


def _chosen(chosen: AuditFilter) -> Any:
    columns = {"label": audit.c.actor_label, "kind": audit.c.actor_kind}
    query = _SELECT
    for name in ("org_id", "actor", "label", "kind", "action", "object", "address"):
        value = getattr(chosen, name)
        if value is not None:
            query = query.where(columns.get(name, audit.c.get(name)) == value)
    if chosen.since is not None:
        query = query.where(audit.c.at >= chosen.since)
    if chosen.until is not None:
        query = query.where(audit.c.at < chosen.until)
    return query


def _audit_row(row: Row[Any]) -> AuditRow:
    return AuditRow(**row._asdict() | {"fields": json.loads(row.fields)})
