"""A function of the usage API as a resource: answered as JSON, or with `type=csv` as the same rows for a table.

A table has no room for how many rows and pages there are, and where a log goes on: headers say that.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from propylon.control.answering import Resource
from propylon.control.call import Answer, Call
from propylon.control.desk import Desk
from propylon.control.envelope import Refused
from propylon.control.usage_api.answers import Document
from propylon.control.usage_api.asking import Query
from propylon.control.usage_api.export import as_csv

CSV: Final = "text/csv; charset=utf-8"
TYPES: Final = ("json", "csv")
BESIDE: Final = {"rows": "X-Propylon-Rows", "pages": "X-Propylon-Pages", "next": "X-Propylon-Next"}

Told = Callable[[Desk, str | None, Query, Query], Awaitable[Document]]


def resource_of(told: Told) -> Resource:
    async def resource(desk: Desk, call: Call) -> Answer:
        kind = call.query.get("type", "json")
        if kind not in TYPES:
            raise Refused(400, f"type: write {' or '.join(TYPES)}")
        document = await told(desk, call.org_id, call.path, call.query)
        if kind == "json":
            return Answer(200, document)
        if "data" not in document:
            raise Refused(400, "type: this is no list; it is told as json alone")
        headers = {"Content-Type": CSV, "Content-Disposition": f'attachment; filename="{told.__name__}.csv"'}
        headers |= {header: str(document[name]) for name, header in BESIDE.items() if name in document}
        return Answer(200, b"".join(as_csv(document["data"])), headers)

    return resource
