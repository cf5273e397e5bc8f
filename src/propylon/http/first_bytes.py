"""The first bytes of a body that passes. Pieces are copied as they go by; nobody waits for it and nothing is held."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

Event = TypeVar("Event")


class FirstBytes:
    """Of one body: at most `max_bytes` of it, and how long it was."""

    __slots__ = ("_room", "kept", "total")

    def __init__(self, max_bytes: int) -> None:
        self._room = max_bytes
        self.kept = b""
        self.total = 0  # bytes that passed

    def add(self, piece: bytes) -> None:
        self.total += len(piece)
        if self._room:
            first = piece[: self._room]
            self.kept += first
            self._room -= len(first)

    def tee(self, take: Callable[[], Awaitable[Event]]) -> Callable[[], Awaitable[Event]]:
        """The same source; what it gives is noted as well, as far as it is bytes."""

        async def taken() -> Event:
            event = await take()
            if isinstance(event, bytes):
                self.add(event)
            return event

        return taken
