"""The origin behind a soak's gateway: a process of its own that answers every request at once with the same bytes.

Not the tests' origin, which keeps every request it saw and shares its interpreter with the load.
"""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import uvloop

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\nhello\n"
HEAD_END = b"\r\n\r\n"
ROOT = Path(__file__).parents[2]


class Answering(asyncio.Protocol):
    """One connection; a request is what ends with an empty line."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but its class
        self._rest = b""

    def data_received(self, data: bytes) -> None:
        *heads, self._rest = (self._rest + data).split(HEAD_END)
        self._transport.write(ANSWER * len(heads))


@contextmanager
def running_origin() -> Iterator[str]:
    """Yields its URL."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.soak.origin"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.communicate()  # closes its stdin, upon which it ends


async def main() -> None:
    """Prints its port, and ends when whoever started it has closed our stdin or is gone."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Answering, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    uvloop.run(main())
