"""One route of the dashboard's REST API: the right it takes, what answers it, Tyk's words for it."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from propylon.control.answering import Resource
from propylon.control.dashboard_api.forms import NO_TEXTS

Area = Literal["analytics", "apis", "keys", "logs", "policies"]
Level = Literal["read", "write"]


class Entry(NamedTuple):
    """`{name}` in the path is a name of the call's."""

    method: str
    path: str
    area: Area
    level: Level
    resource: Resource
    summary: str
    query: tuple[str, ...] = ()
    texts: Mapping[int, str] = NO_TEXTS  # Tyk's, by status
