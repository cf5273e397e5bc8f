"""Checkpoints of quotas: what is put back when the meters were lost. One place, overwritten each minute."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import bindparam, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from propylon.stores.ports import QuotaState
from propylon.stores.records.tables import quota_checkpoints

_SELECT: Final = select(*(quota_checkpoints.c[name] for name in QuotaState._fields))
_DELETE: Final = delete(quota_checkpoints).where(quota_checkpoints.c.meter == bindparam("gone"))


async def load_quotas(connection: AsyncConnection) -> list[QuotaState]:
    return [QuotaState(*row) for row in await connection.execute(_SELECT)]


async def save_quotas(connection: AsyncConnection, states: Sequence[QuotaState]) -> None:
    """Afterwards these are the checkpoint. Only what moved is written: most callers rest in most minutes."""
    stored = set(await load_quotas(connection))
    gone = stored.difference(states)
    moved = set(states).difference(stored)
    if gone:
        await connection.execute(_DELETE, [{"gone": state.meter} for state in gone])
    if moved:
        await connection.execute(insert(quota_checkpoints), [state._asdict() for state in moved])
