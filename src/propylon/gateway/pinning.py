"""ControlPinning: how a worker asks the control process to pin an imported key; see `steps/imported_keys.py`.

One short request over the private socket, which nobody else can reach; it need not be fast, as a key asks once.
"""

import asyncio
import json
from typing import Final

from propylon.errors import ControlUnavailable

ANSWER_WITHIN_S: Final = 5.0
ANSWER_MAX_BYTES: Final = 64 * 1024
PATH: Final = b"/tyk/imports/pin"


class ControlPinning:
    """One per worker."""

    def __init__(self, socket_path: str, secret: str) -> None:
        self._socket_path = socket_path
        self._secret = secret.encode()

    async def __call__(self, org_id: str, presented: str, token: str) -> str:
        """The reason for which it is not pinned, "" if it is. Raises ControlUnavailable."""
        body = json.dumps({"org_id": org_id, "key_id": presented, "token": token}).encode()
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                raw = await self._exchanged(body)
        except (OSError, EOFError, TimeoutError, ValueError) as error:
            raise ControlUnavailable(f"imported keys cannot be pinned: {error}") from error
        head, _, answer = raw.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200 "):
            raise ControlUnavailable(f"imported keys cannot be pinned: {head[:64]!r}")
        return str(json.loads(answer)["reason"])

    async def _exchanged(self, body: bytes) -> bytes:
        reader, writer = await asyncio.open_unix_connection(self._socket_path, limit=ANSWER_MAX_BYTES)
        try:
            writer.write(
                b"POST %b HTTP/1.1\r\nHost: control\r\nX-Tyk-Authorization: %b\r\nX-Propylon-Client: worker\r\n"
                b"Content-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b"
                % (PATH, self._secret, len(body), body)
            )
            return await reader.read(-1)
        finally:
            writer.close()
