"""What the rest of the gateway asks of its two stores, as Protocols: embedded and fleet implementations are both real.

Everything that is counted goes through `Meters.admit`; everything a worker reads of the records goes through `Lookups`.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from propylon.model.charge import Charge as Charge
from propylon.model.charge import Claim as Claim
from propylon.model.charge import Kind as Kind
from propylon.model.charge import Now as Now
from propylon.model.charge import Verdict as Verdict


class QuotaState(NamedTuple):
    """What a quota meter holds; checkpointed into the records each minute."""

    meter: bytes
    used: int
    renews_wall_ns: int  # 0 = never


class UsageBatch(NamedTuple):
    """Lines of the queue, oldest first. `epoch` is random per queue, numbers rise by one without gaps."""

    epoch: str
    first: int
    lines: list[bytes]
    dropped: int  # lines lost to the bound since the queue was made


class Meters(Protocol):
    """The shared counters. Every method may raise StoreUnavailable (or MetersFull)."""

    async def admit(self, charge: Charge, now: Now | None = None) -> Verdict: ...

    async def head(self) -> int: ...

    async def announce(self, revision: int) -> int:
        """head := max(head, revision); answers the head that stands."""
        ...

    async def quota(self, meter: bytes, now: Now | None = None) -> QuotaState | None:
        """A quota as it stands, None when nothing was charged or its period is over."""
        ...

    async def quotas(self) -> list[QuotaState]: ...

    async def restore_quotas(self, states: Sequence[QuotaState]) -> int:
        """Puts back quotas that the meters do not know; answers how many were missing."""
        ...

    async def enqueue(self, lines: Sequence[bytes]) -> None: ...

    async def peek(self, limit: int) -> UsageBatch: ...

    async def discard(self, epoch: str, upto: int) -> None:
        """Removes lines with numbers < upto of that epoch."""
        ...

    async def close(self) -> None: ...


class KeyRow(NamedTuple):
    """A key as stored."""

    record_id: int  # ours, never reused
    org_id: str
    key_hash: str  # 64 hex
    key_id: str  # in clear only for keys that verify JWTs (identifiers, not credentials), else ""
    generation: int  # of its meters; a reset is generation + 1
    session: str  # JSON of the session without its secrets
    secrets: dict[str, str]  # field path -> sealed value


class DefinitionRow(NamedTuple):
    """An API definition or a policy as stored."""

    id: str
    org_id: str
    origin: str  # "api" or "file:<path>"
    body: str  # JSON without its secrets
    secrets: dict[str, str]
    etag: str


class Change(NamedTuple):
    """One entry of the change log. Names: "key:<key_hash>", "api:<id>", "policy:<org>/<id>", "*" for everything."""

    revision: int
    names: tuple[str, ...]


class Lookups(Protocol):
    """A worker's read-only view of the records. Every method may raise StoreUnavailable."""

    async def key_by_hash(self, key_hash: str) -> KeyRow | None: ...

    async def revision(self) -> int: ...

    async def changes_after(self, revision: int) -> list[Change] | None:
        """None when the log no longer reaches back that far: read everything again."""
        ...

    async def apis(self) -> list[DefinitionRow]: ...

    async def policies(self) -> list[DefinitionRow]: ...

    async def close(self) -> None: ...
