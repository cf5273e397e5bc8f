"""Voucher: what has verified a token that was not seen before, and whose it is. Data only."""

from typing import Any, NamedTuple

from propylon.jose.verification import VerificationRecord
from propylon.steps.keyring import Found


class Voucher(NamedTuple):
    record: VerificationRecord
    source: Any  # of a key: the ring entry and its record; else the issuer's settings
    key_hash: str  # "" unless a key has vouched
    found: Found | None  # that key
