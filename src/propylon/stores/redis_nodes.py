"""Which nodes and processes of a fleet live, by their beats in Redis, and what they said of themselves.

A process that is heard no more is remembered for an hour, so that one that is missing can be seen to be missing.
"""

from typing import Any, Final

from propylon.stores.ports import Beat, Heard
from propylon.stores.redis_calls import Calls
from propylon.stores.redis_scripts import BEAT, HEARD, NODES, PROCESSES, PROCESSES_SAID

LIVES_S: Final = 5  # after its last beat; it beats each second
REMEMBERED_S: Final = 3_600
_PARTS: Final = "\n"  # between the names of a node and of its process


class Nodes:
    """One process's way to them. Every method may raise StoreUnavailable."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def beat(self, node: str, beat: Beat) -> int:
        """Answers how many nodes take traffic."""
        keys = (NODES, PROCESSES, PROCESSES_SAID)
        process = f"{node}{_PARTS}{beat.process}"
        serving = node if beat.serves else ""
        return int(await self._calls.run(BEAT, keys, process, beat.said, REMEMBERED_S, serving, LIVES_S))

    async def heard(self) -> list[Heard]:
        """In the order of their names."""
        now, *told = await self._calls.run(HEARD, (PROCESSES, PROCESSES_SAID))
        rows = zip(told[::3], told[1::3], told[2::3], strict=True)
        return sorted(_heard(*row, float(now)) for row in rows)


def _heard(name: Any, at: Any, said: Any, now: float) -> Heard:
    node, _, process = name.decode(errors="replace").rpartition(_PARTS)
    return Heard(node, process, said.decode(errors="replace"), float(at), now - float(at) <= LIVES_S)
