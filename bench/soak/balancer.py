"""Clients behind a load balancer: each has a node of its own and is sent to another one while that takes nobody.

A node is out once it refuses a connection or says that it closes one, until it is brought back. A request that was cut
is not sent again: it is an outcome.
"""

import asyncio
import time
from collections.abc import Callable, Sequence

from tests.kit.connection import Connection, NoAnswer
from tests.kit.load import LOOK_S, RETRY_S, SAFETY_S, UNANSWERED, UNSENT, Outcome


class Balancer:
    """One per scenario; several loads may share it."""

    def __init__(self, ports: Sequence[int]) -> None:
        self.outcomes: dict[int, list[Outcome]] = {port: [] for port in ports}
        self._ports = list(ports)
        self._out: set[int] = set()

    def bring_back(self, port: int) -> None:
        """Its clients return to it, each after its next answer."""
        self._out.discard(port)

    @property
    def seen(self) -> list[Outcome]:
        """Of all nodes."""
        return [outcome for outcomes in self.outcomes.values() for outcome in outcomes]

    async def load(
        self, make: bytes | Callable[[], bytes], *, connections: int, until: Callable[[], bool], pause_s: float = 0.0
    ) -> None:
        """Sends requests one after another on each connection until told to end."""
        next_request = make if callable(make) else lambda: make
        clients = [
            asyncio.ensure_future(self._client(number, next_request, until, pause_s)) for number in range(connections)
        ]
        running = set(clients)
        while running and not until():
            _, running = await asyncio.wait(running, timeout=LOOK_S)
        _, hanging = await asyncio.wait(clients, timeout=SAFETY_S)
        for client in hanging:
            client.cancel()
        assert not hanging, f"{len(hanging)} requests had no answer within {SAFETY_S:.0f} s"
        await asyncio.gather(*clients)

    async def _client(self, number: int, make: Callable[[], bytes], until: Callable[[], bool], pause_s: float) -> None:
        home = self._ports[number % len(self._ports)]
        at, connection = home, None
        while not until():
            if connection is not None and at != home and home not in self._out:
                connection.close()
            started, status = time.monotonic(), UNSENT
            if connection is None or not connection.is_open:
                at, connection = await self._connect(number)
            if connection is not None:
                status = await self._ask(connection, make(), at)
            self.outcomes[at].append(Outcome(started, time.monotonic(), status))
            await asyncio.sleep(pause_s if status > 0 else RETRY_S)
        if connection is not None:
            connection.close()

    async def _connect(self, number: int) -> tuple[int, Connection | None]:
        """With the first node from its own that takes it; with its own and None when nobody does."""
        count = len(self._ports)
        for at in (self._ports[(number + more) % count] for more in range(count)):
            if at in self._out:
                continue
            try:
                return at, await Connection.open(at)
            except OSError:
                self._out.add(at)
        return self._ports[number % count], None

    async def _ask(self, connection: Connection, request: bytes, at: int) -> int:
        try:
            answer = await connection.ask(request)
        except NoAnswer:
            return UNANSWERED
        if answer.is_last:
            self._out.add(at)
        return answer.status
