"""The ring of a key: the generations of what proves its holder, each with its state and its end.

Pure: knows no row, no clock and no sealing. A key that was never rotated has no ring; what it has is generation 1.
The newest generation is always active, so a key cannot lose its last one. Materials (secrets, public keys) are kept
apart from the ring, that of the newest verification entry where a key without a ring has its own.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

from propylon.model.session_secrets import JWT_SECRET, RING_PREFIX

Kind = Literal["token", "hmac", "pem", "jwk", "jwks_uri"]
State = Literal["active", "retiring", "retired"]

IN_FORCE_MAX: Final = 5  # each of them is tried on a token that none of the others has signed
KEPT_MAX: Final = 20  # with those that are retired, which are history
USE_GRAIN_S: Final = (
    120.0  # by so much the last use may be later than the one that is known: workers say it once a minute
)


class RingEntry(NamedTuple):
    """One generation. Times are Unix seconds, 0 = never."""

    generation: int  # rises by one, whatever the kind
    kind: Kind
    algorithm: str = ""  # of verification entries; "" = what the API and the key's family allow
    state: State = "active"
    created: float = 0.0
    retiring_since: float = 0.0
    retire_at: float = 0.0  # or, of one that retires when unused, at the latest
    unused_for_s: float = 0.0  # retires earlier when unused for so long; 0 = does not
    key_hash: str = ""  # of a token
    text: str = ""  # secret or public text; a JWK as PEM, a token never. Not part of the stored ring

    @property
    def id(self) -> str:
        return f"g{self.generation}"

    @property
    def verifies(self) -> bool:
        """Whether it verifies tokens that others make; else it is a token itself."""
        return self.kind != "token"

    def is_over(self, now: float) -> bool:
        """Its date is kept whether or not anybody has swept meanwhile."""
        return self.state == "retired" or 0 < self.retire_at <= now

    def is_due(self, now: float, last_used: float, known_until: float) -> bool:
        """Whether it is to be retired. What happened after `known_until` nobody has heard of yet."""
        if self.state != "retiring":
            return False
        quiet_s = known_until - max(last_used, self.retiring_since) - USE_GRAIN_S
        return self.is_over(now) or 0 < self.unused_for_s <= quiet_s


Ring = tuple[RingEntry, ...]  # newest first
FORGOTTEN: Final = RingEntry(0, "token", state="retired")  # one whose history was cut off


class Retirement(NamedTuple):
    """What a rotation says of the generations before it. Nothing: they go when somebody retires them."""

    at: float = 0.0
    unused_for_s: float = 0.0


def read_ring(stored: str) -> Ring:
    """Without materials. Raises ValueError when it is none of ours."""
    if stored == "[]":
        return ()
    try:
        return tuple(RingEntry(**entry) for entry in json.loads(stored))
    except (TypeError, ValueError) as error:
        raise ValueError(f"no ring: {error}") from error


def ring_to_stored(ring: Ring) -> str:
    return json.dumps([_differing(entry) for entry in ring], separators=(",", ":"))


def current(ring: Ring, *, verifies: bool) -> RingEntry | None:
    """The newest of its sort in force."""
    return next((entry for entry in ring if entry.verifies is verifies and entry.state != "retired"), None)


def token_entry(ring: Ring, key_hash: str) -> RingEntry | None:
    """The generation of a token; None when the key's tokens have no generations yet."""
    tokens = [entry for entry in ring if not entry.verifies]
    if not tokens:
        return None
    return next((entry for entry in tokens if entry.key_hash == key_hash), FORGOTTEN)


def tokens_of(ring: Ring, key_hash: str) -> dict[str, int]:
    """The generations of further tokens than the one the key is named by."""
    return {entry.key_hash: entry.generation for entry in ring if entry.key_hash not in ("", key_hash)}


def retiring(ring: Ring) -> int:
    return sum(entry.state == "retiring" for entry in ring)


def in_force(ring: Ring, now: float) -> Ring:
    return tuple(entry for entry in ring if not entry.is_over(now))


def next_generation(ring: Ring) -> int:
    return ring[0].generation + 1 if ring else 1


def rotated(ring: Ring, new: RingEntry, retirement: Retirement) -> Ring:
    """`new` is active from now on; those of its sort that were are on their way out."""
    old = (_sent_away(entry, new, retirement) for entry in ring)
    return _bounded((new, *old))


def retired(ring: Ring, generations: Sequence[int]) -> Ring:
    return tuple(entry._replace(state="retired") if entry.generation in generations else entry for entry in ring)


def replaced(ring: Ring, new: RingEntry | None) -> Ring:
    """All verification entries are retired at once, and `new` is what there is instead."""
    rest = retired(ring, [entry.generation for entry in ring if entry.verifies])
    return _bounded(rest if new is None else (new, *rest))


def material_path(entry: RingEntry, ring: Ring) -> str:
    """Where among a key's secrets the material of a verification entry is."""
    newest = current(ring, verifies=True)
    return JWT_SECRET if newest is not None and entry.generation == newest.generation else ring_path(entry.generation)


def ring_path(generation: int) -> str:
    return f"{RING_PREFIX}{generation}"


def with_materials(ring: Ring, secrets: Mapping[str, str]) -> Ring:
    """The verification entries that are not retired, each with its text."""
    return tuple(
        entry._replace(text=secrets.get(material_path(entry, ring), ""))
        for entry in ring
        if entry.verifies and entry.state != "retired"
    )


def without_orphans(ring: Ring, secrets: Mapping[str, str]) -> dict[str, str]:
    """The secrets without materials that no entry in force has."""
    wanted = {ring_path(entry.generation) for entry in ring if entry.state != "retired"}
    return {path: text for path, text in secrets.items() if not path.startswith(RING_PREFIX) or path in wanted}


def kind_of_secret(text: str) -> Literal["hmac", "pem"]:
    """As `jwt_data.secret` may hold either."""
    return "pem" if "-----BEGIN " in text else "hmac"


def _sent_away(entry: RingEntry, new: RingEntry, retirement: Retirement) -> RingEntry:
    if entry.state != "active" or entry.verifies is not new.verifies:
        return entry
    return entry._replace(
        state="retiring",
        retiring_since=new.created,
        retire_at=retirement.at,
        unused_for_s=retirement.unused_for_s,
    )


def _bounded(ring: Ring) -> Ring:
    """Without the oldest of those that are only history."""
    spare = len(ring) - KEPT_MAX
    gone = {entry.generation for entry in _oldest_retired(ring, spare)} if spare > 0 else set()
    return tuple(entry for entry in ring if entry.generation not in gone)


def _oldest_retired(ring: Ring, number: int) -> Iterator[RingEntry]:
    history = [entry for entry in reversed(ring) if entry.state == "retired"]
    yield from history[:number]


def _differing(entry: RingEntry) -> dict[str, Any]:
    defaults = RingEntry._field_defaults
    return {
        name: value
        for name, value in entry._asdict().items()
        if name != "text" and (name not in defaults or value != defaults[name])
    }
