"""Whether one connection takes more bytes now; asked by whoever writes to it. Nothing else waits for room."""

import asyncio

from propylon.gateway.tunnel_end import TunnelEnd


class WriteFlow:
    """One per connection; told by its protocol what the transport says."""

    __slots__ = ("_loop", "_room", "feeder")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._room: asyncio.Future[None] | None = None
        self.feeder: TunnelEnd | None = None  # of a tunnel: cannot wait, so its source is paused instead

    @property
    def is_full(self) -> bool:
        return self._room is not None

    async def room(self) -> None:
        """Returns when there is room, or the connection is gone."""
        if self._room is not None:
            await asyncio.shield(self._room)

    def pause(self) -> None:
        if self.feeder is not None:
            self.feeder.pause()
        self._room = self._loop.create_future()

    def resume(self) -> None:
        """Also at the end of the connection: nobody waits for one that is gone."""
        if self.feeder is not None:
            self.feeder.resume()
        if self._room is not None and not self._room.done():
            self._room.set_result(None)
        self._room = None
