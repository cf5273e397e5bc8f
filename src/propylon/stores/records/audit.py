"""The audit log as rows: who did what, when and from where, written in the transaction of what was done.

Each entry carries a chain value: an HMAC over the value before it and all that the entry says, under a key that the
records alone do not give (docs/decisions/0013-audit-chain.md). Whoever can write to the database but lacks the root
secret can therefore neither change an entry nor take one out unnoticed. Transactions take turns, so order is number
order. Nothing of ours changes or removes an entry.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Row, func, insert, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from propylon.stores.records.people_tables import audit, audit_end
from propylon.stores.records.pieces import pieces
from propylon.stores.records.upsert import upsert
from propylon.stores.records.writes import Actor
from propylon.stores.sealing import Sealing

TEXT_MAX: Final = 512  # characters of one text of an entry; what is longer is cut
CHAIN: Final = "audit chain"  # uses of the lasting keys
END: Final = "audit end"
_NAME: Final = "audit"


class Entry(NamedTuple):
    """What was done to one object. Digests are keyed: they tell states apart and nothing of what is in them."""

    action: str  # "create", "change", "delete", "rotate", "revoke", "sign_in" …
    object: str  # in the words of the change log: "key:<hash>", "api:<id>", "user:<id>"
    org_id: str = ""
    before: str = ""  # "" when it was not there
    after: str = ""
    fields: tuple[str, ...] = ()  # top-level members that changed, by name; never what is in them
    times: int = 1  # how many things that happened the entry stands for


class AuditRow(NamedTuple):
    """An entry as stored."""

    number: int
    at: float
    actor_kind: str
    actor: str
    actor_label: str
    address: str
    action: str
    object: str
    org_id: str
    before: str
    after: str
    fields: list[str]
    times: int
    chain: str


class End(NamedTuple):
    """The newest entry as the log itself remembers it."""

    number: int
    chain: str


async def append(connection: AsyncConnection, sealing: Sealing, by: Actor, at: float, entries: Sequence[Entry]) -> None:
    """All of them in this transaction. It goes on from where the log says it ended, even if entries were cut off."""
    if not entries:
        return
    end = await _end_to_go_on_from(connection, sealing)
    rows = _rows(sealing, end, by, at, entries)
    for piece in pieces(rows):
        await connection.execute(insert(audit), [row._asdict() | {"fields": json.dumps(row.fields)} for row in piece])
    await _keep_end(connection, sealing, End(rows[-1].number, rows[-1].chain))


async def stored_end(connection: AsyncConnection, sealing: Sealing) -> End | None:
    """None when there is none, or one that was not written with our keys."""
    row = (await connection.execute(select(audit_end).where(audit_end.c.name == _NAME))).one_or_none()
    return None if row is None else _own(sealing, row)


def chain_of(sealing: Sealing, before: str, row: AuditRow) -> str:
    """What the entry's chain value has to be behind `before`."""
    return sealing.mac(CHAIN, json.dumps([before, *row[:-1]], separators=(",", ":")))


async def _end_to_go_on_from(connection: AsyncConnection, sealing: Sealing) -> End:
    """An end that is missing or was not written by us leaves a break that a verification names."""
    newest = select(func.coalesce(func.max(audit.c.number), 0).label("newest")).subquery()
    row = (
        await connection.execute(select(newest.c.newest, *audit_end.c).outerjoin_from(newest, audit_end, true()))
    ).one()
    end = None if row.name is None else _own(sealing, row)
    return End(row.newest, "") if end is None else End(max(row.newest, end.number), end.chain)


def _own(sealing: Sealing, row: Row[Any]) -> End | None:
    end = End(row.number, row.chain)
    return end if row.mark == _mark(sealing, end) else None


def _rows(sealing: Sealing, end: End, by: Actor, at: float, entries: Sequence[Entry]) -> list[AuditRow]:
    rows: list[AuditRow] = []
    number, chain = end
    who = (_kept(by.kind), _kept(by.name), _kept(by.label), _kept(by.address))
    for entry in entries:
        number += 1
        said = (*who, _kept(entry.action), _kept(entry.object), _kept(entry.org_id), entry.before, entry.after)
        row = AuditRow(number, at, *said, _kept_fields(entry.fields), entry.times, "")
        chain = chain_of(sealing, chain, row)
        rows.append(row._replace(chain=chain))
    return rows


async def _keep_end(connection: AsyncConnection, sealing: Sealing, end: End) -> None:
    values: dict[str, Any] = end._asdict() | {"mark": _mark(sealing, end)}
    fresh = upsert(connection, audit_end).values(name=_NAME, **values)
    await connection.execute(fresh.on_conflict_do_update(index_elements=["name"], set_=values))


def _mark(sealing: Sealing, end: End) -> str:
    return sealing.mac(END, json.dumps(end))


def _kept_fields(fields: Iterable[str]) -> list[str]:
    return [_kept(field) for field in fields]


def _kept(text: str) -> str:
    """An entry must never fail for what a request holds: PostgreSQL stores no NUL, and neither engine half a pair."""
    return text[:TEXT_MAX].encode(errors="backslashreplace").decode().replace("\0", "\\0")
