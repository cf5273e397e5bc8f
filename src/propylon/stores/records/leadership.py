"""Which of several control processes does what one alone has to do: drain the queue of usage, sweep, forget.

It is a lock in PostgreSQL that belongs to a connection, so it is free again when its holder dies; a holder that stands
still is cut off after HOLD_S and finds that out when it goes on. For some moments two may believe that they lead: what
they do must be right even then, as the drain is by its compare-and-set. With SQLite there is one control process, and
it leads.
"""

import asyncio
import logging
from typing import Final

from propylon.errors import StoreUnavailable
from propylon.stores.records.postgres import ERRORS, TIMEOUT_S, Connection, away, connect, milliseconds
from propylon.stores.records.records_url import is_postgres
from propylon.tasks import spawn

log = logging.getLogger("propylon.records")
HOLD_S: Final = 10.0  # without a question the leader is cut off: many times the second in which it asks
LEAD: Final = 0x50524F50594C4F03  # number of the advisory lock; those of writers are in `postgres_engines.py`
_TRY: Final = "SELECT pg_try_advisory_lock($1)"
_STILL: Final = "SELECT 1"


class Leadership:
    """One per control process; `lead` is asked before each piece of such work, and at least each second."""

    def __init__(self, records_url: str, *, timeout_s: float = TIMEOUT_S) -> None:
        self._url = records_url
        self._timeout_s = timeout_s
        self._connection: Connection | None = None
        self._leads = False
        self._asking: asyncio.Task[bool] | None = None  # shared by all who ask at the same time

    async def lead(self) -> bool:
        """Whether this process is the one. Never raises: while the records are away, nobody is."""
        if not is_postgres(self._url):
            return True
        if self._asking is None or self._asking.done():
            self._asking = spawn(self._ask(), "leadership")
        return await asyncio.shield(self._asking)

    async def close(self) -> None:
        """Somebody else leads at once."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.wait([self._asking])
        self._drop()

    async def _ask(self) -> bool:
        try:
            if self._connection is None or self._connection.is_closed():
                self._drop()
                self._connection = await self._connect()
            if self._leads:
                await self._connection.fetchval(_STILL)
                return True
            taken = bool(await self._connection.fetchval(_TRY, LEAD))
        except StoreUnavailable as failure:
            return self._lose(failure)
        except ERRORS as error:
            return self._lose(away(error))
        if taken:
            log.info("this control process leads from now on")
        self._leads = taken
        return taken

    def _lose(self, why: StoreUnavailable) -> bool:
        if self._leads:
            log.warning("this control process leads no longer: %s", why.detail)
        self._drop()
        return False

    def _drop(self) -> None:
        """A lock goes with its connection."""
        self._leads = False
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def _connect(self) -> Connection:
        bound_s = self._timeout_s
        return await connect(
            self._url, "leads", timeout_s=bound_s, answer_s=bound_s, idle_session_timeout=milliseconds(HOLD_S)
        )
