"""How Tyk named its keys and stored them: the texts it took for one key, and their hashes (K-5, H-1 to H-6).

For reading an import alone; we store no key under these. Its 32-bit hash has a defect that is kept here on purpose: the
running state is what it answers, so the last one to three bytes and the length never enter (auth.md §10.3). Murmur is
MurmurHash3 (x86 32 and x64 128 bits, seed 0) by Austin Appleby, which is in the public domain.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Iterator
from hashlib import sha256
from struct import iter_unpack, unpack
from typing import Any, Final, NamedTuple

from propylon.errors import Problem

ALGORITHM_BY_DIGITS: Final = {8: "murmur32", 16: "murmur64", 32: "murmur128", 64: "sha256"}  # H-6
ALGORITHMS: Final = tuple(ALGORITHM_BY_DIGITS.values())
GUESSABLE: Final = "murmur32"  # 32 bits, and of those not all: a hit proves nothing
_STORED_PREFIX: Final = "apikey-"
_MASK32: Final = 0xFFFF_FFFF
_MASK64: Final = 0xFFFF_FFFF_FFFF_FFFF


class LegacyHash(NamedTuple):
    """What Tyk stored a key under."""

    algorithm: str
    digest: str  # lower hex


class Candidate(NamedTuple):
    """One way in which Tyk may have stored a key ID, and the texts it then took for it."""

    legacy: LegacyHash
    spellings: tuple[str, ...]


def legacy_hash(algorithm: str, text: str) -> LegacyHash:
    raw = text.encode()
    if algorithm == "murmur32":
        return LegacyHash(algorithm, f"{_murmur32_unfinished(raw):08x}")
    if algorithm == "sha256":
        return LegacyHash(algorithm, sha256(raw).hexdigest())
    high, low = _murmur128(raw)
    return LegacyHash(algorithm, f"{high:016x}" if algorithm == "murmur64" else f"{high:016x}{low:016x}")


def candidates(org_id: str, key_id: str) -> Iterator[Candidate]:
    """As Tyk looks for it: under its organisation, as it stands, and in the form that names its algorithm."""
    under_org = org_id + key_id
    yield Candidate(legacy_hash("murmur32", under_org), (key_id, under_org))
    yield Candidate(legacy_hash("murmur32", key_id), (key_id,))
    for algorithm in ALGORITHMS:
        document = documented(org_id, key_id, algorithm)
        yield Candidate(legacy_hash(algorithm, document), (key_id, under_org, document))


def documented(org_id: str, key_id: str, algorithm: str) -> str:
    """H-2: in this order, without blanks, and without escaping anything (F-26)."""
    return b64encode(f'{{"org":"{org_id}","id":"{key_id}","h":"{algorithm}"}}'.encode()).decode()


def canonical_id(org_id: str, presented: str) -> str:
    """The ID within its organisation that a text names (H-3, H-4); "" when it names none, or another organisation's."""
    if presented.startswith("ey") and (named := _document_of(presented)) is not None:
        key_id, algorithm = named.get("id"), named.get("h")
        if isinstance(key_id, str) and algorithm in ALGORITHMS and documented(org_id, key_id, algorithm) == presented:
            return key_id
        return "" if isinstance(named.get("org"), str) else presented
    return presented.removeprefix(org_id)


def read_legacy_hash(value: Any) -> LegacyHash | Problem:
    """A digest, whose length says the algorithm, or an object with both; the prefix of stored keys may stand before."""
    named = value if isinstance(value, dict) else {"hash": value}
    digest = named.get("hash")
    if not isinstance(digest, str):
        return Problem("legacy_hash", "wrong_type", 'must be hex digits, or {"algorithm": …, "hash": …}')
    digest = digest.removeprefix(_STORED_PREFIX).lower()
    algorithm = ALGORITHM_BY_DIGITS.get(len(digest)) if set(digest) <= set("0123456789abcdef") else None
    if algorithm is None or named.get("algorithm", algorithm) != algorithm:
        forms = ", ".join(f"{digits} for {name}" for digits, name in ALGORITHM_BY_DIGITS.items())
        return Problem("legacy_hash", "legacy_hash_invalid", f"must be hex digits: {forms}")
    return LegacyHash(algorithm, digest)


def _document_of(presented: str) -> dict[str, Any] | None:
    """What a text in Tyk's documented form holds; None if it has another form."""
    try:
        document = json.loads(b64decode(presented, validate=True))
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _murmur32_unfinished(raw: bytes) -> int:
    """Whole blocks alone, and no final mix: the empty text and all of up to three bytes are 0."""
    state = 0
    for (block,) in iter_unpack("<I", raw[: len(raw) & ~3]):
        mixed = _rotated32(block * 0xCC9E2D51 & _MASK32, 15) * 0x1B873593 & _MASK32
        state = (_rotated32(state ^ mixed, 13) * 5 + 0xE6546B64) & _MASK32
    return state


def _murmur128(raw: bytes) -> tuple[int, int]:
    high = low = 0
    whole = len(raw) & ~15
    for first, second in iter_unpack("<QQ", raw[:whole]):
        high = ((_rotated64(high ^ _first(first), 27) + low) * 5 + 0x52DCE729) & _MASK64
        low = ((_rotated64(low ^ _second(second), 31) + high) * 5 + 0x38495AB5) & _MASK64
    first, second = unpack("<QQ", raw[whole:].ljust(16, b"\0"))
    high, low = high ^ _first(first) ^ len(raw), low ^ _second(second) ^ len(raw)
    high = (high + low) & _MASK64
    low = (low + high) & _MASK64
    high, low = _finished(high), _finished(low)
    high = (high + low) & _MASK64
    return high, (low + high) & _MASK64


def _first(block: int) -> int:
    return _rotated64(block * 0x87C37B91114253D5 & _MASK64, 31) * 0x4CF5AD432745937F & _MASK64


def _second(block: int) -> int:
    return _rotated64(block * 0x4CF5AD432745937F & _MASK64, 33) * 0x87C37B91114253D5 & _MASK64


def _finished(state: int) -> int:
    state = (state ^ state >> 33) * 0xFF51AFD7ED558CCD & _MASK64
    state = (state ^ state >> 33) * 0xC4CEB9FE1A85EC53 & _MASK64
    return state ^ state >> 33


def _rotated32(value: int, bits: int) -> int:
    return (value << bits | value >> 32 - bits) & _MASK32


def _rotated64(value: int, bits: int) -> int:
    return (value << bits | value >> 64 - bits) & _MASK64
