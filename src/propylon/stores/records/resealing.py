"""What a root secret has sealed: counted, and sealed anew with another, a piece at a time.

Neither revision nor etag moves, as nothing changes but how it is stored. A row that somebody wrote meanwhile stays as
it was written (compare-and-set on the sealed text, of which no two are the same).
"""

import json
import logging
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Table, and_, bindparam, func, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from propylon.errors import StoreUnavailable
from propylon.stores.records.definitions import APIS, POLICIES
from propylon.stores.records.sealed import key_place, seal_all, unseal_all
from propylon.stores.records.tables import keys
from propylon.stores.sealing import Sealing, head_of

log = logging.getLogger("propylon.records")
COUNTED: Final = 50_000  # keys that one statement looks at; a store must answer it in time
PIECE: Final = 500  # rows written at once, while other writers wait


class Cursor(NamedTuple):
    """How far one has come: through the tables, and within one of them."""

    table: int = 0
    after: tuple[Any, ...] = ("", "")


class SealedRow(NamedTuple):
    row: dict[str, Any]  # its primary key
    place: str
    secrets: str  # as found


class Piece(NamedTuple):
    table: Table
    rows: list[SealedRow]
    next: Cursor | None  # None: this was the last


_KINDS: Final = (APIS, POLICIES)


async def count_sealed_with(connection: AsyncConnection, fingerprint: str) -> int:
    """Keys, APIs and policies."""
    left = 0
    for kind in _KINDS:
        left += await _count(connection, kind.table, _sealed_with(kind.table, fingerprint))
    after = 0
    while (upto := await _end_of(connection, after, COUNTED)) is not None:
        left += await _count(connection, keys, and_(_between(after, upto), _sealed_with(keys, fingerprint)))
        after = upto
    return left


async def piece_at(connection: AsyncConnection, at: Cursor, fingerprint: str) -> Piece:
    """Rows that the root secret of that fingerprint sealed, perhaps none."""
    if at.table < len(_KINDS):
        return await _piece_of_definitions(connection, at, fingerprint)
    (after,) = at.after
    upto = await _end_of(connection, after, PIECE)
    if upto is None:
        return Piece(keys, [], None)
    query = select(keys.c.record_id, keys.c.secrets).where(_between(after, upto), _sealed_with(keys, fingerprint))
    found = await connection.execute(query)
    rows = [SealedRow({"record_id": id_}, key_place(id_), secrets) for id_, secrets in found]
    return Piece(keys, rows, Cursor(at.table, (upto,)))


async def reseal(connection: AsyncConnection, piece: Piece, sealing: Sealing) -> None:
    """Part of a writing transaction."""
    columns = piece.table.c
    names = piece.rows[0].row
    is_as_found = [columns[name] == bindparam(f"of_{name}") for name in names]
    statement = (
        update(piece.table)
        .where(*is_as_found, columns.secrets == bindparam("found"))
        .values(secrets=bindparam("sealed"))
    )
    changes = [change for one in piece.rows if (change := _change(one, sealing)) is not None]
    if changes:
        await connection.execute(statement, changes)


def _change(one: SealedRow, sealing: Sealing) -> dict[str, Any] | None:
    """None of a row that does not open: it stands in no other's way."""
    try:
        plain = unseal_all(sealing, one.place, json.loads(one.secrets))
    except StoreUnavailable as failure:
        log.warning("%s; write it anew or delete it", failure.detail)
        return None
    sealed = json.dumps(seal_all(sealing, one.place, plain))
    return {f"of_{name}": value for name, value in one.row.items()} | {"found": one.secrets, "sealed": sealed}


async def _piece_of_definitions(connection: AsyncConnection, at: Cursor, fingerprint: str) -> Piece:
    kind = _KINDS[at.table]
    columns = kind.table.c
    name = tuple_(columns.id, columns.org_id)
    query = select(columns.id, columns.org_id, columns.secrets).where(name > tuple_(*at.after))
    query = query.where(_sealed_with(kind.table, fingerprint)).order_by(columns.id, columns.org_id).limit(PIECE)
    found = (await connection.execute(query)).all()
    rows = [SealedRow({"id": id_, "org_id": org}, kind.place_of(id_, org), secrets) for id_, org, secrets in found]
    if len(rows) == PIECE:
        return Piece(kind.table, rows, Cursor(at.table, (rows[-1].row["id"], rows[-1].row["org_id"])))
    is_last = at.table + 1 == len(_KINDS)
    return Piece(kind.table, rows, Cursor(at.table + 1, (0,) if is_last else Cursor().after))


def _sealed_with(table: Table, fingerprint: str) -> ColumnElement[bool]:
    """`secrets` is JSON of field path to sealed text; no path holds such a head."""
    return table.c.secrets.contains(f'"{head_of(fingerprint)}')


def _between(after: int, upto: int) -> ColumnElement[bool]:
    return and_(keys.c.record_id > after, keys.c.record_id <= upto)


async def _end_of(connection: AsyncConnection, after: int, count: int) -> int | None:
    """The last record id of the next `count` keys; None: there are no more. Between two ids may lie any number."""
    ids = select(keys.c.record_id).where(keys.c.record_id > after).order_by(keys.c.record_id).limit(count).subquery()
    upto: int | None = await connection.scalar(select(func.max(ids.c.record_id)))
    return upto


async def _count(connection: AsyncConnection, table: Table, which: ColumnElement[bool]) -> int:
    return await connection.scalar(select(func.count()).select_from(table).where(which)) or 0
