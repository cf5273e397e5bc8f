"""A call of a resource and its answer, as values, whether the Gateway API, the dashboard's API or a form made it.

Knows no HTTP server and no resource. Who makes calls has checked who is there and what they may do; a resource keeps to
the organisation that bounds the call (`ownership.py`).
"""

from collections.abc import Mapping
from typing import NamedTuple

from starlette.datastructures import Headers, QueryParams

from propylon.stores.records.writes import Actor


class Call(NamedTuple):
    """What a resource is asked. Values of `path` and `query` are decoded."""

    by: Actor
    org_id: str | None  # None: every organisation; else what is another's is as unknown as what is not there
    path: Mapping[str, str] = {}  # by the names in the route
    query: QueryParams = QueryParams()
    headers: Headers = Headers()  # those that resources read: If-Match, Idempotency-Key
    body: bytes = b""


class Answer(NamedTuple):
    """What a resource says. `document` is told as JSON; bytes, or pieces of them to come, go out as they are."""

    status: int
    document: object
    headers: Mapping[str, str] = {}
