"""The routes of the usage API, one line each, like a contents page: method, path, function.

A function takes the desk, the organisation that bounds the call (None: all), the values of the path and the query, and
answers a document; `Refused` is its only error.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from propylon.control.desk import Desk
from propylon.control.usage_api import activity, latency, logs, quota
from propylon.control.usage_api.answers import Document
from propylon.control.usage_api.asking import DATES, Query

Resource = Callable[[Desk, str | None, Query, Query], Awaitable[Document]]

ROUTES: Final[tuple[tuple[str, str, Resource], ...]] = (
    ("GET", f"/api/usage/{DATES}", activity.usage),
    ("GET", f"/api/usage/apis/{DATES}", activity.by_api),
    ("GET", f"/api/usage/apis/{{api_id}}/{DATES}", activity.usage_of_api),
    ("GET", f"/api/activity/keys/{DATES}", activity.by_caller),
    ("GET", f"/api/activity/keys/{{key}}/{DATES}", activity.of_caller),
    ("GET", f"/api/activity/keys/endpoint/{{key}}/{DATES}", activity.endpoints_of_caller),
    ("GET", f"/api/activity/keys/aggregate/{{keys}}/{DATES}", activity.of_callers_together),
    ("GET", f"/api/activity/endpoint/{DATES}", activity.by_endpoint),
    ("GET", f"/api/activity/errors/{DATES}", activity.errors),
    ("GET", f"/api/activity/versions/{DATES}", activity.by_version),
    ("GET", f"/api/activity/tags/{DATES}", activity.by_tags),
    ("GET", f"/api/activity/latency/{DATES}", latency.percentiles),
    ("GET", "/api/activity/quota/{key}", quota.quotas),
    ("GET", "/api/logs", logs.logs),
    ("GET", "/api/logs/tail", logs.tail),
    ("GET", "/api/logs/{entry}", logs.entry),
)
