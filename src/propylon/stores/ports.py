"""What the rest of the gateway asks of its two stores, as Protocols: embedded and fleet implementations are both real.

Everything that is counted goes through `Meters.admit`; everything a worker reads of the records goes through `Lookups`.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

from propylon.errors import Problem
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
    waiting: int = 0  # lines in the queue, these included


class KeySetRow(NamedTuple):
    """An issuer's key set as it was fetched."""

    number: int  # rises with each set stored for that source
    body: bytes  # the JWK set as received, already judged to be one
    fetched_at: float  # Unix seconds, when the fetch began
    fresh_until: float


class Troubles(NamedTuple):
    """What a process has seen go wrong with its meters, since it opened them."""

    quotas_uncounted: int = 0  # charges on quotas that passed while they could not be counted
    outcomes_unknown: int = 0  # charges that were sent and not answered
    durability: tuple[Problem, ...] = ()  # why the meters may forget what they were told


class Beat(NamedTuple):
    """A sign of life of one process of a node."""

    process: str  # a name of its own within the node: "worker 1", "control"
    serves: bool  # whether its node takes traffic, and so has a share of every limit
    said: str  # of itself; the meters do not read it


class Heard(NamedTuple):
    """The newest beat of a process, as it is remembered."""

    node: str
    process: str
    said: str
    at: float  # Unix time of the store
    is_alive: bool


class LineQueue(Protocol):
    """A bounded queue of lines of usage; when it is full the oldest goes, counted."""

    async def enqueue(self, lines: Sequence[bytes]) -> None: ...

    async def peek(self, limit: int) -> UsageBatch: ...

    async def discard(self, epoch: str, upto: int) -> None:
        """Removes lines with numbers < upto of that epoch."""
        ...


class Meters(LineQueue, Protocol):
    """The shared counters. Every method may raise StoreUnavailable (or MetersFull)."""

    async def admit(self, charge: Charge, now: Now | None = None) -> Verdict: ...

    async def judge(self, charge: Charge, now: Now | None = None) -> Verdict:
        """What `admit` would answer; counts nothing, and no meter is made or moved by it."""
        ...

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

    async def key_set(self, source: str) -> KeySetRow | None: ...

    async def put_key_set(self, source: str, body: bytes, *, fetched_at: float, fresh_until: float) -> int:
        """Its number. A set whose fetch began before that of the stored one, or before it was dropped, changes nothing
        and is answered with the number that stands."""
        ...

    async def drop_key_set(self, source: str) -> None: ...

    async def key_set_sources(self) -> list[str]:
        """Of the sets that are kept."""
        ...

    async def key_sets_epoch(self, *, fresh: bool = False) -> int:
        """Rises whenever any set is stored or dropped; one cheap read. `fresh`: not one of a moment ago."""
        ...

    async def take_lease(self, name: str, for_s: float) -> bool:
        """True for one taker, until it gives the lease back or that time is over."""
        ...

    async def end_lease(self, name: str) -> None: ...

    async def first_use(self, name: bytes, until: float) -> bool:
        """True once per name until that Unix time; False when that has passed. What never ends is never forgotten."""
        ...

    async def is_unused(self, name: bytes, until: float) -> bool:
        """What `first_use` would answer; the name is not used by it."""
        ...

    async def close(self) -> None: ...


class FollowedMeters(Meters, Protocol):
    """As those use them who decide by the change log."""

    @property
    def doubts(self) -> int:
        """Rises when earlier answers may have been lost: whatever was kept since is to be read again (design §3.2)."""
        ...

    async def recent_head(self) -> int:
        """`head`, or one a little older where asking costs a round trip: for who is let in and charges nothing."""
        ...


class NodeMeters(FollowedMeters, Protocol):
    """As one process of a node owns them: with the work it repeats for them."""

    @property
    def is_away(self) -> bool:
        """True while limits are not what they should be, because a store does not answer."""
        ...

    @property
    def own_queue(self) -> LineQueue | None:
        """A queue that stays on this node, beside that of usage; None when that one does."""
        ...

    @property
    def troubles(self) -> Troubles: ...

    async def beat(self, beat: Beat) -> None:
        """Every second: this node lives."""
        ...

    async def heard(self) -> list[Heard]:
        """The processes of all nodes of a fleet, those too that were heard within the last hour; else none."""
        ...

    def sync(self) -> None:
        """Every few seconds, in a thread: it may wait for the disk."""
        ...

    def sweep(self, budget: int, now: Now | None = None) -> int:
        """Looks at up to `budget` meters for those nobody would miss; answers how many it removed."""
        ...


class KeyRow(NamedTuple):
    """A key as stored."""

    record_id: int  # ours, never reused
    org_id: str
    key_hash: str  # 64 hex
    key_id: str  # in clear only for keys that verify JWTs (identifiers, not credentials), else ""
    generation: int  # of its meters; a reset gives it a higher one
    session: str  # JSON of the session without its secrets
    secrets: dict[str, str]  # field path -> sealed value
    ring: str = "[]"  # JSON of its generations without their materials (model/key_ring.py); most keys have none


class DefinitionRow(NamedTuple):
    """An API definition or a policy as stored."""

    id: str
    org_id: str
    origin: str  # "api" or "file:<path>"
    body: str  # JSON without its secrets
    secrets: dict[str, str]
    etag: str


KEY_SETS: Final = "key-sets"  # in a change: some of them were dropped


class Change(NamedTuple):
    """One entry of the change log. Names: "key:<key_hash>", "api:<id>", "policy:<org>/<id>", "*" for everything.

    Also "revocation:<kind>:<value>", "identity:<record>", "legacy:<org>" for what is imported there, and KEY_SETS.
    """

    revision: int
    names: tuple[str, ...]


class Revocation(NamedTuple):
    """Who or what is refused although nothing else is wrong with it."""

    kind: str  # "jti" | "subject" | "issuer" | "key", or "identity" for one that is suspended
    value: str  # of a key or identity its record
    org_id: str  # "" = of every organisation
    until: float  # Unix seconds, 0 = for good
    issuer: str = ""  # whose tokens it speaks of, "" = anybody's


class StoredRootSecret(NamedTuple):
    """A root secret in use, as the records name it."""

    fingerprint: str
    sealed: str  # the lasting keys, by that secret
    number: int  # in the order in which they began to seal, so the highest seals; 0 of one that has sealed nothing


class Lookups(Protocol):
    """A worker's read-only view of the records. Every method may raise StoreUnavailable."""

    async def key_by_hash(self, key_hash: str) -> KeyRow | None:
        """By its own hash, or by that of any of its tokens."""
        ...

    async def revision(self) -> int: ...

    async def changes_after(self, revision: int) -> list[Change] | None:
        """None when the log no longer reaches back that far: read everything again."""
        ...

    async def apis(self) -> list[DefinitionRow]: ...

    async def policies(self) -> list[DefinitionRow]: ...

    async def imports(self, org_id: str) -> tuple[bool, bool]:
        """Whether keys of an organisation came from another gateway, and whether some of them are not pinned."""
        ...

    async def revocations(self, mark: tuple[str, str] | None = None) -> list[Revocation]:
        """All of them and every suspended identity, or those of one kind and value."""
        ...

    async def root_secrets(self) -> list[StoredRootSecret]:
        """Those in use; none before a control process opened the records."""
        ...

    async def close(self) -> None: ...
