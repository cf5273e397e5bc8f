"""API definitions and policies as rows: the two differ in a table and in what names a row, and that is data here."""

import json
from collections.abc import Collection
from typing import Any, Final, NamedTuple

from sqlalchemy import Row, Table, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from propylon.stores.ports import DefinitionRow
from propylon.stores.records.sealed import etag_of, seal_all, unseal_all
from propylon.stores.records.tables import apis, policies
from propylon.stores.records.writes import DefinitionWrite
from propylon.stores.sealing import Sealing


class Kind(NamedTuple):
    """One of the two sorts of definition."""

    table: Table
    word: str  # in names of the change log
    by_org: bool  # whether two organisations may use the same id

    def name(self, row: DefinitionRow | DefinitionWrite) -> str:
        return f"{self.word}:{self._row_name(row.id, row.org_id)}"

    def place(self, row: DefinitionRow | DefinitionWrite) -> str:
        """Where its secrets are sealed for."""
        return self.place_of(row.id, row.org_id)

    def place_of(self, id_: str, org_id: str) -> str:
        return f"{self.table.name}:{self._row_name(id_, org_id)}"

    def _row_name(self, id_: str, org_id: str) -> str:
        return f"{org_id}/{id_}" if self.by_org else id_


APIS: Final = Kind(apis, "api", by_org=False)
POLICIES: Final = Kind(policies, "policy", by_org=True)


async def find_definition(
    connection: AsyncConnection, kind: Kind, id_: str, org_id: str | None = None
) -> DefinitionRow | None:
    """Of a policy without its organisation, the one added last (gateway-api.md §7.2)."""
    query = _select(kind).where(kind.table.c.id == id_)
    if org_id is not None and kind.by_org:
        query = query.where(kind.table.c.org_id == org_id)
    row = (await connection.execute(query.order_by(kind.table.c.created_at.desc()).limit(1))).one_or_none()
    return None if row is None else _definition_row(row)


async def all_definitions(connection: AsyncConnection, kind: Kind) -> list[DefinitionRow]:
    query = _select(kind).order_by(kind.table.c.id, kind.table.c.org_id)
    return [_definition_row(row) for row in await connection.execute(query)]


async def orgs_of_apis(connection: AsyncConnection, api_ids: Collection[str] | None) -> dict[str, str]:
    """None: of all."""
    query = select(apis.c.id, apis.c.org_id)
    rows = await connection.execute(query if api_ids is None else query.where(apis.c.id.in_(api_ids)))
    return {row.id: row.org_id for row in rows}


def secrets_of_definition(sealing: Sealing, kind: Kind, row: DefinitionRow) -> dict[str, str]:
    return unseal_all(sealing, kind.place(row), row.secrets)


def as_row(sealing: Sealing, kind: Kind, write: DefinitionWrite) -> DefinitionRow:
    sealed = seal_all(sealing, kind.place(write), write.secrets)
    etag = etag_of(sealing, write.body, write.secrets)
    return DefinitionRow(write.id, write.org_id, write.origin, write.body, sealed, etag)


def are_same(one: DefinitionRow, other: DefinitionRow) -> bool:
    """Whether two rows say the same: sealed texts always differ, the etag speaks for them."""
    return one._replace(secrets={}) == other._replace(secrets={})


async def write_definition(
    connection: AsyncConnection, kind: Kind, before: DefinitionRow | None, row: DefinitionRow, at: float
) -> None:
    columns = row._asdict() | {"secrets": json.dumps(row.secrets), "updated_at": at}
    if before is None:
        await connection.execute(insert(kind.table).values(**columns, created_at=at))
    else:
        await connection.execute(update(kind.table).where(*_is(kind, row)).values(**columns))


async def remove_definition(connection: AsyncConnection, kind: Kind, row: DefinitionRow) -> None:
    await connection.execute(delete(kind.table).where(*_is(kind, row)))


def _is(kind: Kind, row: DefinitionRow) -> list[Any]:
    columns = kind.table.c
    return [columns.id == row.id, columns.org_id == row.org_id] if kind.by_org else [columns.id == row.id]


def _select(kind: Kind) -> Any:
    return select(*(kind.table.c[name] for name in DefinitionRow._fields))


def _definition_row(row: Row[Any]) -> DefinitionRow:
    return DefinitionRow(**row._asdict() | {"secrets": json.loads(row.secrets)})
