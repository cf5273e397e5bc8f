"""A key's row as it is read: its columns, and what they become."""

import json
from typing import Any, Final

from sqlalchemy import Row, select

from propylon.stores.ports import KeyRow
from propylon.stores.records.tables import keys

SELECT_KEY: Final = select(*(keys.c[name] for name in KeyRow._fields))


def key_row(row: Row[Any]) -> KeyRow:
    return KeyRow(**row._asdict() | {"secrets": json.loads(row.secrets)})
