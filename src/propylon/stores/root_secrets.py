"""Which root secrets a process was given, which the records name, and whether these fit. Knows no SQL.

Each root secret that has sealed is named in the records, with the lasting keys sealed by it, until nothing is sealed
with it and a process starts without it. They are numbered in the order in which they began to seal: the highest seals.
One that is given as the other is named too, with number 0 as long as it has sealed nothing.
"""

import asyncio
from collections.abc import Sequence
from typing import Final, NamedTuple

from propylon.errors import StoreUnavailable
from propylon.stores.ports import Lookups, StoredRootSecret
from propylon.stores.sealing import LastingKeys, RootSecret, Sealing

OPENED_WITHIN_S: Final = 3.0  # for a control process that starts at the same time; less than a worker may be silent
LOOK_S: Final = 0.1
PLACE: Final = "settings_check"  # what the lasting keys are sealed for
_MADE_WITH: Final = "made with this root secret"  # stood there before lasting keys did: they are those of that secret


class RootSecretMismatch(Exception):
    """The records cannot be used with the root secrets that were given; the process ends with exit code 2."""


class RootSecrets(NamedTuple):
    """What a process was given."""

    current: RootSecret  # seals
    other: RootSecret | None = None  # only opens: the one before, or the next

    @property
    def by_fingerprint(self) -> dict[str, RootSecret]:
        return {one.fingerprint: one for one in self if one is not None}


async def sealing_of(lookups: Lookups, given: RootSecrets, *, within_s: float = OPENED_WITHIN_S) -> Sealing:
    """For a process that only reads; waits for one that writes where records are fresh.

    Raises RootSecretMismatch, StoreUnavailable.
    """
    stored = await _stored(lookups, within_s)
    sealing = opened(given, stored)
    for one in not_given(given, stored):
        demand_outdated(given, stored, one)
        remedy = "set root_secret_other to it, or start a control process first, which looks whether there is any"
        raise RootSecretMismatch(f"something may still be sealed with the root secret {one.fingerprint}; {remedy}")
    return sealing


async def _stored(lookups: Lookups, within_s: float) -> list[StoredRootSecret]:
    now = asyncio.get_running_loop().time
    give_up_at = now() + within_s
    while not (stored := await lookups.root_secrets()):
        if now() >= give_up_at:
            raise StoreUnavailable("records: no control process has opened them yet; start one")
        await asyncio.sleep(LOOK_S)
    return stored


def opened(given: RootSecrets, stored: Sequence[StoredRootSecret]) -> Sealing:
    """Raises RootSecretMismatch when none that was given is named there; StoreUnavailable when one is damaged."""
    known = given.by_fingerprint
    for one in stored:
        if one.fingerprint in known:
            return Sealing(*given, _lasting_keys(known[one.fingerprint], one.sealed))
    ours, theirs = " and ".join(known), " and ".join(one.fingerprint for one in stored)
    text = f"the root secret {ours} is not {theirs}, which the records are sealed with"
    raise RootSecretMismatch(f"{text}; set root_secret, or restore its file, as it was")


def not_given(given: RootSecrets, stored: Sequence[StoredRootSecret]) -> list[StoredRootSecret]:
    """Of those that may have sealed."""
    return [one for one in stored if one.number and one.fingerprint not in given.by_fingerprint]


def demand_outdated(given: RootSecrets, stored: Sequence[StoredRootSecret], one: StoredRootSecret) -> None:
    """RootSecretMismatch when `one`, which was not given, began to seal after all that were."""
    known = given.by_fingerprint
    if one.number > max(stored.number for stored in stored if stored.fingerprint in known):
        text = f"the records are sealed with the root secret {one.fingerprint} by now"
        raise RootSecretMismatch(f"{text}, and {' and '.join(known)} does not open that; set root_secret to it")


def demand_announced(given: RootSecrets, stored: Sequence[StoredRootSecret]) -> None:
    """RootSecretMismatch when processes beside this one may not open what it would seal."""
    fingerprint = given.current.fingerprint
    if fingerprint not in {one.fingerprint for one in stored}:
        text = f"the root secret {fingerprint} was not announced to the other nodes"
        raise RootSecretMismatch(f"{text}; set it as root_secret_other on every node first (docs/backup.md)")


def newest(stored: Sequence[StoredRootSecret]) -> StoredRootSecret:
    """The one that seals; there is one."""
    return max(stored, key=lambda one: one.number)


def _lasting_keys(root_secret: RootSecret, sealed: str) -> LastingKeys:
    text = root_secret.unseal(sealed, PLACE)
    if text == _MADE_WITH:
        return root_secret.lasting_keys
    try:
        return LastingKeys.from_text(text)
    except (ValueError, KeyError) as error:
        raise StoreUnavailable(f"{PLACE}: the lasting keys are damaged") from error
