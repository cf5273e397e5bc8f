"""Lists of keys, narrowed by what people see of them, in the order in which the keys were made.

What a list goes by stands in columns of `keys` and in `key_tags`, so that no session is read for those it leaves out.
Whoever writes a session writes these with it and sets `listed_at` to its `updated_at`. A process of the version before
does not: where the two differ the row is listed again, a piece at a time, and an index holds these rows alone.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any, Final, Literal, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, bindparam, delete, exists, func, insert, or_, select, true, update
from sqlalchemy.ext.asyncio import AsyncConnection

from propylon.stores.ports import KeyRow
from propylon.stores.records.engines import Connect
from propylon.stores.records.key_rows import SELECT_KEY, key_row
from propylon.stores.records.pieces import pieces
from propylon.stores.records.tables import key_tags, key_uses, keys

TAG_MAX: Final = 200  # characters of a tag that lists go by: PostgreSQL's indexes take 2,600 bytes
COUNTED_MAX: Final = 100_000  # keys with a tag, or of an API or policy, that are counted to walk the shorter index
NEVER: Final = 1.0  # the largest `expires` that is no time

KeyState = Literal["", "active", "suspended", "expired", "soon"]
_UNLISTED: Final = keys.c.listed_at != keys.c.updated_at
# By `exists` PostgreSQL walked all keys, 340 ms of a million: it takes most of them for unlisted, and begins.
_FIRST_UNLISTED: Final = select(func.min(keys.c.record_id)).where(_UNLISTED)


class KeyList(NamedTuple):
    """Which keys; what is "" or empty narrows nothing."""

    org_id: str
    refers_to: Sequence[Sequence[str]] = ()  # one of each, in the words of the change log
    kind: str = ""
    tag: str = ""
    state: KeyState = ""
    now: float = 0.0  # Unix time by which a state is told
    soon: float = 0.0  # Unix time before which an active key ends soon


class ListedKeys:
    """Of one set of records."""

    def __init__(self, reading: Connect, writing: Connect) -> None:
        self._reading = reading
        self._writing = writing

    async def page(self, chosen: KeyList, *, after: int = 0, limit: int) -> list[KeyRow]:
        """Those behind the record `after`."""
        async with self._reading() as connection:
            return await _page(connection, chosen, after, limit)

    async def are_whole(self) -> bool:
        """Whether lists by state and tag have all keys: not until `list_again` has come to its end after an update."""
        async with self._reading() as connection:
            return await connection.scalar(_FIRST_UNLISTED) is None

    async def list_again(self, limit: int) -> int:
        """Some of those whose session was written without; answers how many, 0 at the end. No revision: nothing
        that decides has changed."""
        async with self._reading() as connection:
            if await connection.scalar(_FIRST_UNLISTED) is None:
                return 0
        async with self._writing() as connection:
            return await _list_again(connection, limit)


def listed_columns(session: str, at: float) -> dict[str, Any]:
    """Of `keys`, for a session that is written at `at`."""
    document = json.loads(session)
    return {
        "expires": float(document.get("expires") or 0),
        "inactive": int(bool(document.get("is_inactive"))),
        "updated_at": at,
        "listed_at": at,
    }


async def write_tags(connection: AsyncConnection, record_id: int, org_id: str, session: str) -> None:
    """Afterwards these are the key's tags."""
    await remove_tags(connection, record_id)
    await add_tags(connection, [(record_id, org_id, session)])


async def remove_tags(connection: AsyncConnection, record_id: int) -> None:
    await connection.execute(delete(key_tags).where(key_tags.c.record_id == record_id))


async def _page(connection: AsyncConnection, chosen: KeyList, after: int, limit: int) -> list[KeyRow]:
    """Of several names the first of the pages of each."""
    found: set[int] = set()
    by_tag = bool(chosen.tag) and await _is_tag_shorter(connection, chosen)
    for query in _queries(chosen, after, limit, by_tag=by_tag):
        found.update(await connection.scalars(query))
    ids = sorted(found)[:limit]
    rows = await connection.execute(SELECT_KEY.where(keys.c.record_id.in_(ids)).order_by(keys.c.record_id))
    return [key_row(row) for row in rows]


async def _is_tag_shorter(connection: AsyncConnection, chosen: KeyList) -> bool:
    """Than the index of what the keys refer to first; both are counted no further than COUNTED_MAX."""
    if not chosen.refers_to:
        return True
    both = [
        select(key_tags.c.record_id).where(_has_tag(chosen)),
        select(key_uses.c.record_id).where(key_uses.c.name.in_(chosen.refers_to[0])),
    ]
    tagged, using = [
        await connection.scalar(select(func.count()).select_from(one.limit(COUNTED_MAX).subquery())) or 0
        for one in both
    ]
    return tagged <= using


def _queries(chosen: KeyList, after: int, limit: int, *, by_tag: bool) -> list[Select[Any]]:
    """Record ids. Walked is the index of the tag, else of each name, else that of all keys of the organisation."""
    narrowed, refers_to = [keys.c.org_id == chosen.org_id, *_narrowed(chosen)], list(chosen.refers_to)
    if by_tag:
        walked, each = key_tags.c.record_id, [_has_tag(chosen)]
    elif refers_to:
        walked = key_uses.c.record_id
        each = [key_uses.c.name == name for name in refers_to.pop(0)]
    else:
        walked, each = keys.c.record_id, [true()]
    query = select(walked) if walked.table is keys else select(walked).join(keys, keys.c.record_id == walked)
    if chosen.tag and not by_tag:
        narrowed.append(exists().where(key_tags.c.record_id == keys.c.record_id, _has_tag(chosen)))
    query = query.where(*narrowed, *map(_refers_to, refers_to), walked > after).order_by(walked).limit(limit)
    return [query.where(one) for one in each]


def _has_tag(chosen: KeyList) -> ColumnElement[bool]:
    return and_(key_tags.c.org_id == chosen.org_id, key_tags.c.tag == tag_name(chosen.tag))


def _refers_to(names: Sequence[str]) -> ColumnElement[bool]:
    uses = key_uses.alias()  # the index that is walked may be of the same table
    return exists().where(uses.c.record_id == keys.c.record_id, uses.c.name.in_(names))


def _narrowed(chosen: KeyList) -> list[ColumnElement[bool]]:
    columns = keys.c
    is_active, has_ended = columns.inactive == 0, and_(columns.expires > NEVER, columns.expires < chosen.now)
    states: dict[str, list[ColumnElement[bool]]] = {
        "": [],
        "active": [is_active, or_(columns.expires <= NEVER, columns.expires >= chosen.now)],
        "suspended": [columns.inactive == 1],
        "expired": [is_active, has_ended],
        "soon": [is_active, columns.expires > NEVER, columns.expires.between(chosen.now, chosen.soon)],
    }
    return [*states[chosen.state], *([columns.kind == chosen.kind] if chosen.kind else [])]


async def _list_again(connection: AsyncConnection, limit: int) -> int:
    """Not where somebody has written meanwhile: the row is found again."""
    found = select(keys.c.record_id, keys.c.org_id, keys.c.session, keys.c.updated_at).where(_UNLISTED).limit(limit)
    rows = (await connection.execute(found)).all()
    if not rows:
        return 0
    await connection.execute(delete(key_tags).where(key_tags.c.record_id.in_([row.record_id for row in rows])))
    await add_tags(connection, [(row.record_id, row.org_id, row.session) for row in rows])
    as_read = [keys.c.record_id == bindparam("of"), keys.c.updated_at == bindparam("read_at")]
    values: dict[str, Any] = {name: bindparam(name) for name in ("expires", "inactive", "listed_at")}
    listed = [
        {"of": row.record_id, "read_at": row.updated_at, **listed_columns(row.session, row.updated_at)} for row in rows
    ]
    await connection.execute(update(keys).where(*as_read).values(**values), listed)
    return len(rows)


async def add_tags(connection: AsyncConnection, sessions: Iterable[tuple[int, str, str]]) -> None:
    """Of keys that have none yet: record, organisation and session of each."""
    rows = [
        {"org_id": org_id, "tag": tag, "record_id": record_id}
        for record_id, org_id, session in sessions
        for tag in sorted({tag_name(one) for one in json.loads(session).get("tags") or []})
    ]
    for piece in pieces(rows):
        await connection.execute(insert(key_tags), piece)


def tag_name(tag: str) -> str:
    """What stands for a tag in lists: its beginning, without half surrogates and NUL, which no database takes."""
    return tag[:TAG_MAX].encode(errors="replace").decode().replace("\0", "?")
