"""The root secrets that the records name: settled when a control process opens them, and asked for before sealing.

Each function is one part of its caller's transaction. Those take turns, so nothing is sealed with a root secret after
it was found that nothing is.
"""

import logging
from collections.abc import Sequence

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from propylon.errors import StoreUnavailable
from propylon.stores.ports import StoredRootSecret
from propylon.stores.records.resealing import count_sealed_with
from propylon.stores.records.tables import settings_check
from propylon.stores.root_secrets import (
    PLACE,
    RootSecretMismatch,
    RootSecrets,
    demand_announced,
    demand_outdated,
    newest,
    not_given,
    opened,
)
from propylon.stores.sealing import RootSecret, Sealing

log = logging.getLogger("propylon.records")


async def settle(connection: AsyncConnection, given: RootSecrets, *, has_others: bool) -> Sealing:
    """Afterwards the one that shall seal has the highest number, and those are gone with which nothing is sealed.

    `has_others`: other processes may read these records. Raises RootSecretMismatch, StoreUnavailable.
    """
    stored = await stored_root_secrets(connection)
    if not stored:
        sealing = Sealing(*given)
        await _name(connection, sealing, given.current, 1)
    else:
        sealing = opened(given, stored)
        await _demand_unused(connection, given, stored)
        await _let_seal(connection, sealing, given, stored, has_others=has_others)
    if given.other is not None and given.other.fingerprint not in {one.fingerprint for one in stored}:
        await _name(connection, sealing, given.other, 0)
    for one in stored:
        if one.fingerprint not in given.by_fingerprint:
            await _forget(connection, one.fingerprint)
            log.info("the root secret %s is retired", one.fingerprint)
    return sealing


async def stored_root_secrets(connection: AsyncConnection) -> list[StoredRootSecret]:
    columns = (settings_check.c[name] for name in StoredRootSecret._fields)
    return [StoredRootSecret(*row) for row in await connection.execute(select(*columns))]


async def demand_in_use(connection: AsyncConnection, sealing: Sealing) -> None:
    """Before something is sealed. A process that was left behind by a change of the root secret finds out here."""
    fingerprint = sealing.root_secret.fingerprint
    if fingerprint not in {one.fingerprint for one in await stored_root_secrets(connection) if one.number}:
        raise StoreUnavailable(f"the root secret {fingerprint} was retired; start this process with its successor")


async def seals(connection: AsyncConnection, sealing: Sealing) -> bool:
    """Whether it is the one with the highest number: another process may seal with a newer one by now."""
    return newest(await stored_root_secrets(connection)).fingerprint == sealing.root_secret.fingerprint


async def _demand_unused(connection: AsyncConnection, given: RootSecrets, stored: Sequence[StoredRootSecret]) -> None:
    """That nothing is sealed with those that were not given."""
    for one in not_given(given, stored):
        demand_outdated(given, stored, one)
        if left := await count_sealed_with(connection, one.fingerprint):
            text = f"{left} keys, APIs and policies are still sealed with the root secret {one.fingerprint}"
            raise RootSecretMismatch(f"{text}; set root_secret_other to it until none is left (docs/backup.md)")


async def _let_seal(
    connection: AsyncConnection,
    sealing: Sealing,
    given: RootSecrets,
    stored: Sequence[StoredRootSecret],
    *,
    has_others: bool,
) -> None:
    highest = newest(stored)
    if highest.fingerprint == given.current.fingerprint:
        return
    if has_others:
        demand_announced(given, stored)
    await _name(connection, sealing, given.current, highest.number + 1)


async def _name(connection: AsyncConnection, sealing: Sealing, root_secret: RootSecret, number: int) -> None:
    await _forget(connection, root_secret.fingerprint)
    sealed = root_secret.seal(sealing.lasting_keys.to_text(), PLACE)
    row = StoredRootSecret(root_secret.fingerprint, sealed, number)
    await connection.execute(insert(settings_check).values(**row._asdict()))
    if number:
        log.info("the root secret %s seals from now on", root_secret.fingerprint)


async def _forget(connection: AsyncConnection, fingerprint: str) -> None:
    await connection.execute(delete(settings_check).where(settings_check.c.fingerprint == fingerprint))
