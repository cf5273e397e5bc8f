"""What the Gateway API acknowledged, and whether it is still so: keys, policies and APIs, made, changed and deleted.

A write without an answer may have happened or not; what it was about is not judged any more.
"""

import asyncio
import json
import random
from collections.abc import Callable
from typing import Any, Final

from tests.kit.connection import Answer, Connection, NoAnswer
from tests.kit.definitions import keyless_api, policy, session
from tests.kit.load import RETRY_S, request_bytes

GONE: Final = ""
TARGET: Final = "http://127.0.0.1:9"  # never asked
STEPS: Final = ("POST", "PUT", "PUT", "DELETE")


class Ledger:
    """One per scenario. Writers may run side by side: each writes records of its own."""

    def __init__(self, port: int, secret: str, prefix: str) -> None:
        self._port = port
        self._secret = secret
        self._prefix = prefix
        self._numbers = 0
        self.expected: dict[str, str] = {}  # path → mark that it must show
        self.acknowledged = 0

    async def write(self, chance: random.Random, *, until: Callable[[], bool]) -> None:
        """One record after another, each written one to four times."""
        while not until():
            self._numbers += 1
            name = f"{self._prefix}-{self._numbers}"
            kind = chance.choice(["keys", "policies", "apis"])
            for step in STEPS[: chance.randint(1, len(STEPS))]:
                mark = f"mark-{chance.randrange(10**9)}"
                if not await self._write(step, kind, name, mark):
                    await asyncio.sleep(RETRY_S)
                    break

    async def lost(self) -> list[str]:
        """Paths that do not show what was acknowledged."""
        connection = await Connection.open(self._port)
        lost = []
        for path, mark in self.expected.items():
            answer = await self._ask(connection, "GET", path)
            if answer.status != 404 if mark == GONE else mark.encode() not in answer.body:
                lost.append(f"{path} {answer.status}")
        connection.close()
        return lost

    async def _write(self, method: str, kind: str, name: str, mark: str) -> bool:
        path = f"/tyk/{kind}/{name}"
        self.expected.pop(path, None)
        try:
            connection = await Connection.open(self._port)
            to = f"/tyk/{kind}" if method == "POST" and kind != "keys" else path
            answer = await self._ask(
                connection, method, to, None if method == "DELETE" else _document(kind, name, mark)
            )
            connection.close()
        except (OSError, NoAnswer):
            return False
        if answer.status == 200:
            self.acknowledged += 1
            self.expected[path] = GONE if method == "DELETE" else mark
        return answer.status == 200

    async def _ask(self, connection: Connection, method: str, path: str, document: Any = None) -> Answer:
        body = b"" if document is None else json.dumps(document).encode()
        return await connection.ask(request_bytes(method, path, {"X-Tyk-Authorization": self._secret}, body))


def _document(kind: str, name: str, mark: str) -> dict[str, Any]:
    if kind == "keys":
        return session("token", alias=mark)
    if kind == "policies":
        return policy(name, "token", name=mark)
    return keyless_api(TARGET, name, name=mark)
