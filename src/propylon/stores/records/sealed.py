"""Secrets of a record: sealed for its row and field alone, JSON as stored. A place is "<table>:<row>"."""

import json
from collections.abc import Mapping

from propylon.stores.sealing import Sealing


def key_place(record_id: int) -> str:
    return f"keys:{record_id}"


def seal_all(sealing: Sealing, place: str, plain: Mapping[str, str]) -> dict[str, str]:
    return {field: sealing.seal(value, f"{place}:{field}") for field, value in plain.items()}


def unseal_all(sealing: Sealing, place: str, sealed: Mapping[str, str]) -> dict[str, str]:
    return {field: sealing.unseal(value, f"{place}:{field}") for field, value in sealed.items()}


def etag_of(sealing: Sealing, body: str, plain: Mapping[str, str]) -> str:
    """The same for the same content: sealing twice gives two texts, so these do not count."""
    return sealing.etag(json.dumps([body, sorted(plain.items())]))
