"""Names for what usage knows by record: joined when a page is made, so that naming a caller today names last month."""

import json
from collections.abc import Iterable
from typing import NamedTuple

from propylon.dashboard.visit import Visit
from propylon.model.session import key_kind


class Caller(NamedTuple):
    """A row of "busiest callers"."""

    record: str  # "" for requests without an identity
    name: str  # alias or subject; "" when nobody gave one
    key_hash: str  # "" when it is gone, or was never there
    kind: str  # "key", "identity", "deleted" or "none"
    key_kind: str  # of a key what it is, else as `kind`
    place: str  # its page, "" when it has none


async def api_names(visit: Visit) -> dict[str, str]:
    """Of this organisation's APIs, by id."""
    rows = await visit.desk.records.apis()
    own = (row for row in rows if row.org_id == visit.who.org_id)
    return {row.id: str(json.loads(row.body).get("name") or row.id) for row in own}


async def callers(visit: Visit, records: Iterable[str]) -> dict[str, Caller]:
    """By record; one look-up each, so for a page of them at most."""
    return {record: await _caller(visit, record) for record in records}


async def _caller(visit: Visit, record: str) -> Caller:
    if not record:
        return Caller("", "no key", "", "none", "none", "")
    org_id = visit.who.org_id
    if record.startswith("k") and record[1:].isdecimal():
        row = await visit.desk.records.key_of_record(int(record[1:]))
        if row is not None and row.org_id == org_id:
            alias = json.loads(row.session).get("alias", "")
            return Caller(record, alias, row.key_hash, "key", key_kind(row.secrets), f"/keys/{row.key_hash}")
    else:
        identity = await visit.desk.records.identity(record)
        if identity is not None and identity.org_id == org_id:
            name = identity.name or identity.subject
            return Caller(record, name, identity.key_hash, "identity", "identity", f"/identities/{record}")
    return Caller(record, "", "", "deleted", "deleted", "")
