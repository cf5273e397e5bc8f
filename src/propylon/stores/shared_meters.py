"""What a node of a fleet asks of the meters it shares with other nodes, beyond what every node asks of its own."""

from typing import Protocol

from propylon.errors import Problem
from propylon.stores.ports import Beat, Heard, Meters


class SharedMeters(Meters, Protocol):
    """Meters that other nodes use too."""

    @property
    def connections_made(self) -> int:
        """How often this process has connected: behind another connection there may be another server."""
        ...

    @property
    def outcomes_unknown(self) -> int:
        """Charges that were sent and not answered."""
        ...

    def durability_problems(self) -> list[Problem]:
        """Why the server may forget what it was told."""
        ...

    async def beat(self, node: str, beat: Beat) -> int:
        """Says that a process of a node lives; answers how many nodes take traffic."""
        ...

    async def heard(self) -> list[Heard]: ...
