"""Many keys as they stand in the tables, made by the database itself: of every kind and state."""

from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

PIECE: Final = 50_000  # keys made by one statement
APIS: Final = 20
POLICIES: Final = 50
RARE: Final = 10_007  # each so many a key has the rare tag
_KEYS: Final = """
    WITH RECURSIVE key(n) AS (SELECT CAST(:first AS bigint) UNION ALL SELECT n + 1 FROM key WHERE n + 1 < :end)"""
_EXPIRES: Final = "CASE WHEN n % 4 = 0 THEN :now - 100 - n WHEN n % 1000 = 1 THEN :now + n % 100000 ELSE 0 END"
_INACTIVE: Final = "CASE WHEN n % 5000 = 2 THEN 1 ELSE 0 END"
_FILL: Final = (
    f"""INSERT INTO keys (record_id, org_id, key_hash, alias, kind, session, created_at, updated_at, listed_at,
            expires, inactive) {_KEYS}
        SELECT n, 'default', substr('{"0" * 64}' || n, length(CAST(n AS text)) + 1), 'caller-' || n,
            CASE WHEN n % 3 = 0 THEN 'jwt_key' ELSE 'token' END,
            '{{"alias": "caller-' || n || '", "org_id": "default", "expires": ' || {_EXPIRES} ||
            ', "apply_policies": ["policy-' || (n % {POLICIES}) || '"], "rate": 100, "per": 60, "quota_max": -1}}',
            :now, :now, :now, {_EXPIRES}, {_INACTIVE}
        FROM key""",
    f"""INSERT INTO key_uses (name, record_id) {_KEYS}
        SELECT 'policy:default/policy-' || (n % {POLICIES}), n FROM key""",
    f"INSERT INTO key_uses (name, record_id) {_KEYS} SELECT 'api:api-' || (n % {APIS}), n FROM key",
    f"INSERT INTO key_tags (org_id, tag, record_id) {_KEYS} SELECT 'default', 'half', n FROM key WHERE n % 2 = 0",
    f"INSERT INTO key_tags (org_id, tag, record_id) {_KEYS} SELECT 'default', 'rare', n FROM key WHERE n % {RARE} = 0",
)


async def fill(connection: AsyncConnection, number: int, now: int) -> None:
    """Records 1 to `number`."""
    for first in range(1, number + 1, PIECE):
        given: dict[str, Any] = {"first": first, "end": min(first + PIECE, number + 1), "now": now}
        for statement in _FILL:
            wanted = {name: value for name, value in given.items() if f":{name}" in statement}
            await connection.execute(text(statement), wanted)
