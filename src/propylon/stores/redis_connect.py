"""Connections to one Redis, and whether it can be reached.

`Link` knows where the server is, checks each fresh connection, and remembers when the server is away, so that nobody
waits for what just failed. A `Lane` is one connection with one call under way at a time. Knows redis-py and no meters.

A call is written once. Whatever happens before its first byte is written leaves it undone, and is answered
StoreUnavailable; so is every error that the server itself answers. Whatever happens after that byte and before the
answer leaves open whether it was done: OutcomeUnknown.
"""

import asyncio
from collections.abc import Awaitable
from typing import Any, Final, TypeVar

from hiredis import pack_command
from redis.asyncio.connection import Connection, SSLConnection
from redis.exceptions import (
    AskError,
    AuthenticationError,
    BusyLoadingError,
    ClusterDownError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TryAgainError,
)

from propylon.clock import Clock
from propylon.errors import MetersFull, Problem, StoreUnavailable
from propylon.stores.redis_fitness import demand_fit, durability_problems, read_info
from propylon.stores.redis_place import place, tls
from propylon.stores.redis_scripts import Script
from propylon.stores.redis_url import RedisTarget

RETRY_S: Final = 0.1  # between two attempts to reach a server that is away

_ANSWERED: Final = (ResponseError, AuthenticationError, BusyLoadingError)  # by the server: it did nothing
_NOT_IN_CLUSTER: Final = (AskError, ClusterDownError, TryAgainError)  # AskError is MovedError's base
_NO_LONGER_HERE: Final = (ReadOnlyError, *_NOT_IN_CLUSTER)  # what was our master is one no more
_FAILED: Final = (RedisError, OSError, TimeoutError)
_Part = bytes | str | int
_Result = TypeVar("_Result")


class OutcomeUnknown(StoreUnavailable):
    """The call was written and its answer did not come: it may or may not have been done, and is not done again."""

    code = "outcome_unknown"


class Link:
    """The way of one process to one Redis; its lanes are the connections."""

    def __init__(self, target: RedisTarget, *, timeout_s: float, require_durable: bool, clock: Clock) -> None:
        self.timeout_s = timeout_s  # for an answer, and for all that making a connection takes
        self.connections_made = 0  # a loss counts once, however many lanes come back after it
        self.problems: list[Problem] = []  # what the newest connection found
        self.era = 1  # rises when a connection is lost; lanes of an earlier one connect anew
        self._target = target
        self._require_durable = require_durable
        self._clock = clock
        self._connected_era = 0
        self._away = ""  # why, "" while it is there
        self._retry_at = 0.0
        self._is_trying = False
        self._is_closed = False

    def demand(self) -> None:
        """Raises StoreUnavailable while the server is away, but for one who tries again every RETRY_S."""
        if self._is_closed:
            raise StoreUnavailable("these meters are closed")
        if self._away and (self._is_trying or self._clock.monotonic() < self._retry_at):
            raise StoreUnavailable(f"Redis at {self._target} is away: {self._away}")

    def make_connection(self) -> Connection:
        """Not connected yet. Without redis-py's repetitions and deadlines: a call has one deadline for all of it."""
        target = self._target
        arguments: dict[str, Any] = {
            "db": target.database,
            "username": target.username or None,
            "password": target.password or None,
            "client_name": "propylon",
            "driver_info": None,
            "protocol": 2,
            "socket_timeout": None,
            "socket_connect_timeout": self.timeout_s,
        }
        return SSLConnection(**arguments, **tls(target)) if target.is_tls else Connection(**arguments)

    async def connect(self, connection: Connection) -> int:
        """Makes a connection that is fit for meters; answers its era. Raises StoreUnavailable."""
        self.demand()
        era = self.era
        self._is_trying = True
        try:
            async with asyncio.timeout(self.timeout_s):
                info = await self._open(connection)
        except StoreUnavailable as error:
            self.away(str(error))
            raise
        except _FAILED as error:
            self.away(_reason(error, self.timeout_s))
            raise StoreUnavailable(f"Redis at {self._target} could not be reached: {self._away}") from error
        finally:
            self._is_trying = False
        return self._connected(info, era)

    async def _open(self, connection: Connection) -> dict[str, str]:
        await connection.disconnect(nowait=True)
        try:
            connection.host, connection.port = await place(self._target, self.timeout_s)
            await connection.connect()  # type: ignore[no-untyped-call]  # redis-py leaves it so
            await connection.send_packed_command(_packed("INFO"))
            info = read_info(await connection.read_response())
            demand_fit(info, self._target, require_durable=self._require_durable)
        except BaseException:  # redis-py leaves it open when it is cancelled half way
            await connection.disconnect(nowait=True)
            raise
        return info

    def _connected(self, info: dict[str, str], era: int) -> int:
        self._away = ""
        self.problems = durability_problems(info)
        if self._connected_era != era:
            self._connected_era = era
            self.connections_made += 1
        return era

    def lost(self, era: int) -> None:
        """A connection of that era is no more; none of its time is trusted."""
        if era == self.era:
            self.era += 1

    def away(self, reason: str) -> None:
        """Nobody asks it again for RETRY_S."""
        self._away = reason
        self._retry_at = self._clock.monotonic() + RETRY_S

    def close(self) -> None:
        self._is_closed = True


class Lane:
    """One connection, made when it is first needed and anew when it is lost. One call at a time."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._connection = link.make_connection()
        self._era = 0

    async def call(self, *command: _Part) -> Any:
        """Raises StoreUnavailable, and OutcomeUnknown when the server did not answer."""
        return await self._translated(self._exchange(_packed(*command)))

    async def run(self, script: Script, keys: tuple[bytes, ...], *arguments: _Part) -> Any:
        """A script's answer; sent again only if the server did not know it. Raises as `call`, and MetersFull."""
        packed = _packed("EVALSHA", script.sha, len(keys), *keys, *arguments)
        return await self._translated(self._run(script, packed))

    async def _run(self, script: Script, packed: bytes) -> Any:
        try:
            return await self._exchange(packed)
        except NoScriptError:
            await self._exchange(_packed("SCRIPT", "LOAD", script.text))
            return await self._exchange(packed)

    async def connect(self) -> None:
        """Connects unless it is connected. Raises StoreUnavailable."""
        if self._era != self._link.era or _is_lost(self._connection):
            self._link.lost(self._era)
            self._era = await self._link.connect(self._connection)

    async def close(self) -> None:
        try:
            await self._connection.disconnect()
        except RedisError:
            pass  # it did not end in time, and is not used again

    async def _exchange(self, packed: bytes) -> Any:
        """Raises the server's own errors as redis-py has them."""
        await self.connect()
        try:
            async with asyncio.timeout(self._link.timeout_s):
                await self._connection.send_packed_command(packed)
                return await self._connection.read_response()
        except _ANSWERED:
            raise
        except _FAILED as error:
            self._link.lost(self._era)
            if isinstance(error, TimeoutError):
                self._link.away(_reason(error, self._link.timeout_s))
            await self._connection.disconnect(nowait=True)
            raise OutcomeUnknown(f"Redis did not answer: {_reason(error, self._link.timeout_s)}") from error

    async def _translated(self, call: Awaitable[_Result]) -> _Result:
        try:
            return await call
        except OutOfMemoryError as error:
            raise MetersFull("Redis has no room for a new meter; raise its maxmemory") from error
        except _ANSWERED as error:
            if isinstance(error, _NO_LONGER_HERE):
                self._link.lost(self._era)
            if isinstance(error, _NOT_IN_CLUSTER):  # until its nodes agree on who has our slot
                self._link.away(str(error))
            raise StoreUnavailable(f"Redis refused: {_reason(error, 0)}") from error


def _packed(*parts: _Part) -> bytes:
    """By hiredis: 14 instead of 55 µs for a call of 50 keys."""
    packed: bytes = pack_command(parts)  # type: ignore[arg-type]  # its stub says a tuple of one
    return packed


def _is_lost(connection: Connection) -> bool:
    """Before a byte is written. redis-py's `can_read` says it only of an end, not of a reset."""
    reader, writer = connection._reader, connection._writer
    return reader is None or writer is None or writer.is_closing() or reader.at_eof()


def _reason(error: BaseException, timeout_s: float) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {timeout_s:g} s (store_timeout_s)"
    return f"{getattr(error, 'status_code', None) or ''} {error}".strip()
