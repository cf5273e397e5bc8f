"""A key as lists and pages show it: never with its ID, unless that is no credential."""

import json
from collections.abc import Sequence
from typing import NamedTuple

from propylon.dashboard.visit import Visit
from propylon.model.session import key_kind
from propylon.stores.ports import KeyRow


class ShownKey(NamedTuple):
    record_id: int
    key_hash: str
    key_id: str
    alias: str
    kind: str
    policies: list[str]
    apis: list[str]  # ids that its own rights name
    tags: list[str]
    expires: float
    last_used: float
    state: str  # active, suspended or expired

    @property
    def name(self) -> str:
        return self.alias or f"the key without an alias, {self.key_hash[:12]}…"


def shown_key(row: KeyRow, now: float) -> ShownKey:
    """Without its last use."""
    session = json.loads(row.session)
    expires = session.get("expires", 0)
    single = session.get("apply_policy_id") or ""
    return ShownKey(
        row.record_id,
        row.key_hash,
        row.key_id,
        session.get("alias", ""),
        key_kind(row.secrets),
        session.get("apply_policies") or ([single] if single else []),
        list(session.get("access_rights") or {}),
        session.get("tags") or [],
        expires,
        0.0,
        "suspended" if session.get("is_inactive") else "expired" if 1 < expires < now else "active",
    )


async def with_last_used(visit: Visit, keys: Sequence[ShownKey]) -> list[ShownKey]:
    used = await visit.desk.records.last_used([key.record_id for key in keys])
    latest: dict[int, float] = {}
    for (record_id, _), at in used.items():
        latest[record_id] = max(at, latest.get(record_id, 0.0))
    return [key._replace(last_used=latest.get(key.record_id, 0.0)) for key in keys]
