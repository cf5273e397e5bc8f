"""Checkpoints of quotas: what is put back when the meters were lost. One place, overwritten each minute."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import bindparam, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from propylon.stores.ports import QuotaState
from propylon.stores.records.engines import Connect
from propylon.stores.records.pieces import ROWS, pieces
from propylon.stores.records.tables import quota_checkpoints

_SELECT: Final = select(*(quota_checkpoints.c[name] for name in QuotaState._fields)).order_by(quota_checkpoints.c.meter)
_DELETE: Final = delete(quota_checkpoints).where(quota_checkpoints.c.meter == bindparam("gone"))


class QuotaCheckpoints:
    """Of one set of records. No revision: nothing that decides has changed."""

    def __init__(self, reading: Connect, writing: Connect) -> None:
        self._reading = reading
        self._writing = writing

    async def load(self) -> list[QuotaState]:
        async with self._reading() as connection:
            return await _load(connection)

    async def save(self, states: Sequence[QuotaState]) -> None:
        """Afterwards these are the checkpoint."""
        async with self._writing() as connection:
            await _save(connection, states)


async def _load(connection: AsyncConnection) -> list[QuotaState]:
    states: list[QuotaState] = []
    after = b""
    while True:
        rows = await connection.execute(_SELECT.where(quota_checkpoints.c.meter > after).limit(ROWS))
        page = [QuotaState(*row) for row in rows]
        states += page
        if len(page) < ROWS:
            return states
        after = page[-1].meter


async def _save(connection: AsyncConnection, states: Sequence[QuotaState]) -> None:
    """Only what moved is written: most callers rest in most minutes."""
    stored = set(await _load(connection))
    gone = stored.difference(states)
    moved = set(states).difference(stored)
    for piece in pieces(gone):
        await connection.execute(_DELETE, [{"gone": state.meter} for state in piece])
    for piece in pieces(moved):
        await connection.execute(insert(quota_checkpoints), [state._asdict() for state in piece])
