"""The verification records of a key's ring, and what an exchange is told of the generation that vouched for it.

Knows no signing method of any API: how a record is made of an entry is the JWT step's. A key that was never rotated
is a ring of one.
"""

from collections.abc import Callable
from email.utils import formatdate
from math import inf
from typing import Final

from propylon.errors import Problem
from propylon.exchange import Exchange
from propylon.jose.verification import VerificationRecord
from propylon.model.key_ring import RingEntry, kind_of_secret
from propylon.steps.keyring import KeyEntry

VERIFIERS_MAX: Final = 16  # of one key, so for as many APIs; more are made again

Vouchers = tuple[tuple[RingEntry, VerificationRecord], ...]  # newest first
Make = Callable[[RingEntry], VerificationRecord | Problem]


def records_of(entry: KeyEntry, step: object, make: Make, now: float) -> Vouchers:
    """Those in force, as `make` makes them for one step; what it cannot use is left out. Made once per key and step.

    Entries with a key set of their own are not here: see `key_sets_of`.
    """
    vouchers = entry.verifiers.get(step)
    if vouchers is None:
        vouchers = _made(entry, make)
        if len(entry.verifiers) >= VERIFIERS_MAX:  # those of APIs that were compiled anew since
            entry.verifiers.clear()
        entry.verifiers[step] = vouchers
    if any(ring_entry.is_over(now) for ring_entry, _ in vouchers):
        return tuple(voucher for voucher in vouchers if not voucher[0].is_over(now))
    return vouchers


def key_sets_of(entry: KeyEntry, now: float) -> tuple[RingEntry, ...]:
    """The entries in force whose text is the URL of a key set."""
    return tuple(one for one in entry.ring if one.kind == "jwks_uri" and not one.is_over(now))


def note_use(exchange: Exchange, entry: KeyEntry, ring_entry: RingEntry) -> None:
    """Which generation the caller proved itself with; one on its way out says so in every answer."""
    exchange.credential = (entry.name, ring_entry.generation)
    if ring_entry.state == "retiring":
        exchange.retires_at = ring_entry.retire_at or inf
        exchange.answer_lines = farewell(ring_entry)


def farewell(ring_entry: RingEntry) -> bytes:
    """RFC 9745: deprecated since; RFC 8594: gone from then on, where that is settled."""
    lines = b"Deprecation: @%d\r\n" % ring_entry.retiring_since
    if ring_entry.retire_at:
        lines += b"Sunset: %b\r\n" % formatdate(ring_entry.retire_at, usegmt=True).encode()
    return lines


def _made(entry: KeyEntry, make: Make) -> Vouchers:
    ring = entry.ring or _ring_of_one(entry)
    pairs = ((one, make(one)) for one in ring if one.kind != "jwks_uri")
    return tuple((one, record) for one, record in pairs if isinstance(record, VerificationRecord))


def _ring_of_one(entry: KeyEntry) -> tuple[RingEntry, ...]:
    secret = entry.jwt_secret
    if not secret:
        return ()
    return (RingEntry(1, kind_of_secret(secret), entry.session.jwt_data.algorithm, text=secret),)
