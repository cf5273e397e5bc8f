"""The routes of usage, activity and logs as entries of the dashboard's REST API: one line each, as `entries.py`."""

from collections.abc import Mapping
from typing import Final

from propylon.control.dashboard_api.entry import Area, Entry
from propylon.control.usage_api.resource import resource_of
from propylon.control.usage_api.routes import ROUTES

_FILTERS: Final = ("api_id", "api_version", "tags", "code", "reason", "endpoint", "errors", "q", "type")
_LIST: Final = (*_FILTERS, "p", "page_size", "by", "sort")
_SERIES: Final = (*_FILTERS, "res")
_LOG: Final = ("api", "token", "code", "reason", "trace", "method", "path", "errors", "start", "end", "type")

_Told = tuple[Area, str, tuple[str, ...]]
# By the name of the function that answers: right, summary, query.
TOLD: Final[Mapping[str, _Told]] = {
    "usage": ("analytics", "Requests over time", _SERIES),
    "by_api": ("analytics", "Requests by API", _LIST),
    "usage_of_api": ("analytics", "Requests of an API over time", _SERIES),
    "by_caller": ("analytics", "Requests by caller, named as they are now", _LIST),
    "of_caller": ("analytics", "A caller's requests: over time with res, else by endpoint", (*_LIST, "res")),
    "endpoints_of_caller": ("analytics", "A caller's requests by endpoint", _LIST),
    "of_callers_together": ("analytics", "Several callers' requests over time, added up", _SERIES),
    "by_endpoint": ("analytics", "Requests by API and endpoint", _LIST),
    "errors": ("analytics", "What was refused or failed, by status and reason", _LIST),
    "by_version": ("analytics", "Requests by API and version", _LIST),
    "by_tags": ("analytics", "Requests by set of tags", _LIST),
    "percentiles": ("analytics", "Percentiles of latency over time", _SERIES),
    "quotas": ("analytics", "How far a key's quotas are used, and when they will be", ("type",)),
    "logs": ("logs", "Single requests, newest first", (*_LOG, "page_size", "before", "p")),
    "tail": ("logs", "Requests logged since an entry", (*_LOG, "after")),
    "entry": ("logs", "One request, with its recording where it was recorded whole", ()),
}


USAGE: Final = tuple(
    Entry(method, path, area, "read", resource_of(told), summary, query)
    for method, path, told in ROUTES
    for area, summary, query in (TOLD[told.__name__],)
)
