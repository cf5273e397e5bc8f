"""How a request names a key: by its ID within an organisation, or by its hash (auth.md §10.4, user-pains P13, P14).

A hash is recognised by its shape, so whatever an answer, a log or a list shows can be used as it stands. Ownership is
the record's `org_id`: a key of another organisation is as unknown as one that is not there.
"""

import re
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

from propylon.control.call import Call
from propylon.control.desk import Desk
from propylon.control.envelope import flag
from propylon.control.ownership import org_of
from propylon.stores.ports import KeyRow

HASH: Final = re.compile(r"[0-9a-fA-F]{64}")
KEY_RECORD: Final = re.compile(r"k(\d{1,18})", re.ASCII)  # as usage, logs and revocations name a key
Find = Callable[[str], Awaitable[KeyRow | None]]


class KeyName(NamedTuple):
    text: str
    org_id: str  # "" when the request says nothing
    is_hash: bool  # said so; else the shape decides


def key_name(call: Call, org_id: object = "") -> KeyName:
    """`org_id` as the body says it, which counts before the query's."""
    return KeyName(call.path["key_id"], org_of(call, org_id), flag(call, "hashed"))


async def find_key(find: Find, desk: Desk, name: KeyName) -> KeyRow | None:
    """`find` reads by hash: of the records, or within a transaction."""
    for key_hash in _hashes(desk, name):
        row = await find(key_hash)
        if row is not None and name.org_id in ("", row.org_id):
            return row
    return None


def _hashes(desk: Desk, name: KeyName) -> list[str]:
    """An ID may have the shape of a hash too, and is looked for first."""
    by_id = [] if name.is_hash else [desk.sealing.key_hash(name.org_id or desk.settings.default_org_id, name.text)]
    return [*by_id, name.text.lower()] if HASH.fullmatch(name.text) else by_id
