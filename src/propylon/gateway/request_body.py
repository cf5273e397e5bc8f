"""A request's body on its way from the client: pieces as they come, 100 Continue when first wanted, back-pressure.

Filled by `downstream`, taken by `forward`; nobody ever holds it whole.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

from propylon.errors import BodyTooLarge, Failure

HIGH_WATER_BYTES: Final = 64 * 1024


class RequestBody:
    """One per request. `complete` is true once the client's last byte is here."""

    __slots__ = (
        "_continue_owed",
        "_on_room",
        "_pieces",
        "_waiter",
        "buffered",
        "complete",
        "failure",
        "max_bytes",
        "seen",
        "taken",
    )

    def __init__(self, on_room: Callable[[], None], send_continue: Callable[[], None] | None, max_bytes: int) -> None:
        self._continue_owed = send_continue  # until the body is first wanted, or its first piece comes unasked
        self._on_room = on_room
        self._pieces: deque[bytes] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self.buffered = 0
        self.seen = 0  # bytes that came from the client
        self.taken = 0  # bytes handed to the upstream
        self.max_bytes = max_bytes  # 0 = any
        self.complete = False
        self.failure: Failure | None = None

    def add(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self.buffered += len(piece)
        self.seen += len(piece)
        if self.max_bytes and self.seen > self.max_bytes:
            self.fail(BodyTooLarge(f"more than {self.max_bytes} bytes"))
        self._wake()

    def end(self) -> None:
        self.complete = True
        self._wake()

    def fail(self, failure: Failure) -> None:
        """The rest will not come; whoever waits for it learns why."""
        self.failure = failure
        self._wake()

    def take_ready(self) -> bytes:
        """What is here now, without waiting."""
        if self.failure is not None:
            raise self.failure
        if not self._pieces:
            return b""
        piece = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces.clear()
        self.taken += len(piece)
        self.buffered = 0
        self._on_room()
        return piece

    async def take(self) -> bytes:
        """The next piece, b"" at the end; raises the Failure that ended it early."""
        while not self._pieces and not self.complete and self.failure is None:
            if self._continue_owed is not None and not self.seen:
                self._continue_owed()
            self._continue_owed = None
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        return self.take_ready()

    def discard(self) -> None:
        """Throws away what is here: the answer is out, nobody wants it."""
        self._pieces.clear()
        self.buffered = 0

    @property
    def at_end(self) -> bool:
        return self.complete and not self._pieces

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


NO_BODY: Final = RequestBody(lambda: None, None, 0)  # shared by every request without one; making one costs 0.7 µs
NO_BODY.complete = True
