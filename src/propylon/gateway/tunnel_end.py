"""One direction of a tunnel: takes one side's bytes, writes them to the other, pauses the sender while that is full."""

import asyncio


class TunnelEnd:
    """Made by `tunnel` in pairs; fed by the connection it reads from."""

    opposite: "TunnelEnd"

    def __init__(self, source: asyncio.Transport, target: asyncio.Transport, ended: "asyncio.Future[None]") -> None:
        self._source = source
        self._target = target
        self._ended = ended
        self._source_ended = False
        self.count = 0

    def data_received(self, data: bytes) -> None:
        self.count += len(data)
        if self._target.is_closing():
            self._finish()
            return
        self._target.write(data)

    def eof_received(self) -> None:
        """The other direction goes on, until its source ends too."""
        self._source_ended = True
        if self.opposite._source_ended or self._target.is_closing() or not self._target.can_write_eof():
            self._finish()
        else:
            self._target.write_eof()

    def connection_lost(self, exc: Exception | None) -> None:
        self._finish()

    def pause(self) -> None:
        if not self._source.is_closing():
            self._source.pause_reading()

    def resume(self) -> None:
        if not self._source.is_closing():
            self._source.resume_reading()

    def _finish(self) -> None:
        if not self._ended.done():
            self._ended.set_result(None)
