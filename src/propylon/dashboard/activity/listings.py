"""The lists of activity, one entry each: what answers them, what tells their rows apart, and what an export has.

An export has the rows of the list under the same filters and in the same order, all its pages of them.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from propylon.control.usage_api import activity
from propylon.control.usage_api.resource import Told


class Listing(NamedTuple):
    name: str  # the end of its path, and in the name of an export
    title: str
    lead: str
    told: Told
    ids: tuple[str, ...]  # members of `id` that tell its rows apart, in the order of an export
    one: str  # what a row is, as in "3 callers"
    many: str


APIS: Final = Listing(
    "apis",
    "Activity by API",
    "Which of your APIs is called how often, and how often in vain.",
    activity.by_api,
    ("api_id", "api_name", "api_exists"),
    "API",
    "APIs",
)
CALLERS: Final = Listing(
    "callers",
    "Traffic by key",
    "Everybody who called, under the name they have today; whoever was deleted keeps their history.",
    activity.by_caller,
    ("alias", "key", "kind", "key_exists", "record", "owner", "tags"),
    "caller",
    "callers",
)
ENDPOINTS: Final = Listing(
    "endpoints",
    "Activity by endpoint",
    "Paths that a definition tracks (track_endpoints) or a limit of a key names; of the rest, all other paths.",
    activity.by_endpoint,
    ("api_id", "api_name", "path"),
    "endpoint",
    "endpoints",
)
ERRORS: Final = Listing(
    "errors",
    "Activity by error",
    "What was refused or failed, by status and reason, and what each reason means.",
    activity.errors,
    ("code", "reason", "because"),
    "kind of error",
    "kinds of error",
)
VERSIONS: Final = Listing(
    "versions",
    "Activity by version",
    "Which version of an API answered.",
    activity.by_version,
    ("api_id", "api_name", "version"),
    "version",
    "versions",
)
TAGS: Final = Listing(
    "tags",
    "Activity by tags",
    "By the set of tags that key and API brought, so that the rows add up to all requests.",
    activity.by_tags,
    ("tags",),
    "set of tags",
    "sets of tags",
)
LISTINGS: Final = (APIS, CALLERS, ENDPOINTS, ERRORS, VERSIONS, TAGS)
FIGURES: Final = ("hits", "success", "error", "latency", "max_latency", "bytes_in", "bytes_out", "last_hit")
# What a list may be sorted by: of the REST API, and in words.
SORTS: Final = (("hits", "Requests"), ("error", "Errors"), ("last_hit", "Last access"), ("max_latency", "Slowest"))


def exported(rows: Sequence[Mapping[str, Any]], ids: Sequence[str]) -> list[dict[str, Any]]:
    """Rows of the REST API, with the members that the screen shows and no others."""
    return [
        {**{name: row["id"].get(name, "") for name in ids}, **{name: row[name] for name in FIGURES}} for row in rows
    ]
