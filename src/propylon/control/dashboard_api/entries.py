"""The routes of the dashboard's REST API, one line each: the right it takes, what answers it, Tyk's words for it."""

from typing import Final

from propylon.control import explain
from propylon.control.dashboard_api import apis, keys, policies
from propylon.control.dashboard_api.entry import Entry
from propylon.control.dashboard_api.usage_entries import USAGE

KEY: Final = {404: "Could not retrieve key detail."}
KEYS: Final = {404: "Could not retrieve keys."}
API: Final = {404: "Could not retrieve API detail"}
NO_API: Final = {404: "API definition does not exist"}
SAME_API: Final = {409: "Found API with the same ID"}
POLICY: Final = {404: "Could not retrieve portal object."}
NO_POLICY: Final = {404: "Could not retrieve object for deletion"}


_NAMED: Final = ("hashed", "auto_guess")
_MAKING: Final = ("overwrite", "clear")
_CHANGING: Final = ("suppress_reset", "clear", *_NAMED)

_KEYS: Final = (
    Entry("POST", "/api/keys", "keys", "write", keys.create, "Make a key with an ID that is made"),
    Entry("GET", "/api/keys/detailed", "keys", "read", keys.read_detailed, "Keys, wrapped", ("p", "q"), KEYS),
    Entry("GET", "/api/keys/lookup", "keys", "read", keys.look_up, "Whatever is known of a key", ("value",)),
    Entry("POST", "/api/keys/preview", "keys", "write", keys.preview, "A key as it would be; nothing is stored"),
    Entry("GET", "/api/keys/{key_id}", "keys", "read", keys.read, "A key, by ID or hash", _NAMED, KEY),
    Entry("POST", "/api/keys/{key_id}", "keys", "write", keys.add, "Make a key with this ID", _MAKING),
    Entry("PUT", "/api/keys/{key_id}", "keys", "write", keys.change, "Replace a key", _CHANGING, KEY),
    Entry("DELETE", "/api/keys/{key_id}", "keys", "write", keys.remove, "Delete a key", _NAMED, KEY),
    Entry("POST", "/api/keys/{key_id}/actions/renew", "keys", "write", keys.renew, "A fresh life", _NAMED, KEY),
    Entry("POST", "/api/keys/{key_id}/actions/reset_quota", "keys", "write", keys.reset_quota, "Reset", _NAMED, KEY),
    Entry("POST", "/api/keys/{key_id}/actions/suspend", "keys", "write", keys.suspend, "Suspend", _NAMED, KEY),
    Entry("POST", "/api/keys/{key_id}/actions/resume", "keys", "write", keys.resume, "Resume", _NAMED, KEY),
    Entry("POST", "/api/keys/{key_id}/actions/rotate", "keys", "write", keys.rotate, "Rotate", _NAMED, KEY),
    Entry("GET", "/api/apis/keys", "keys", "read", keys.read_of_api, "Hashes of all keys", ("p", "q"), KEYS),
    Entry("GET", "/api/apis/{api_id}/keys", "keys", "read", keys.read_of_api, "Of an API's keys", ("p", "q"), KEYS),
    Entry("GET", "/api/apis/{api_id}/keys/search", "keys", "read", keys.read_of_api, "As above", ("p", "q"), KEYS),
    Entry("GET", "/api/apis/{api_id}/keys/{key_id}", "keys", "read", keys.read, "A key", _NAMED, KEY),
    Entry("PUT", "/api/apis/{api_id}/keys/{key_id}", "keys", "write", keys.change, "Replace a key", _CHANGING, KEY),
    Entry("DELETE", "/api/apis/{api_id}/keys/{key_id}", "keys", "write", keys.remove, "Delete a key", _NAMED, KEY),
    Entry("POST", "/api/jwt/explain", "keys", "read", explain.explain, "What would become of a token, and why"),
)
_APIS: Final = (
    Entry("GET", "/api/apis", "apis", "read", apis.read_all, "API definitions", ("p", "q", "sort")),
    Entry("GET", "/api/apis/search", "apis", "read", apis.read_all, "As above", ("p", "q", "sort")),
    Entry("POST", "/api/apis", "apis", "write", apis.add, "Make an API", _MAKING, SAME_API),
    Entry("GET", "/api/apis/{api_id}", "apis", "read", apis.read, "An API definition", (), API),
    Entry("PUT", "/api/apis/{api_id}", "apis", "write", apis.change, "Replace a definition", ("clear",), NO_API),
    Entry("DELETE", "/api/apis/{api_id}", "apis", "write", apis.remove, "Delete an API", (), API),
)
_POLICIES: Final = (
    Entry(
        "GET",
        "/api/portal/policies",
        "policies",
        "read",
        policies.read_all,
        "Policies",
        ("p", "q", "active", "state"),
    ),
    Entry(
        "GET",
        "/api/portal/policies/search",
        "policies",
        "read",
        policies.read_all,
        "As above",
        ("p", "q", "active", "state"),
    ),
    Entry("POST", "/api/portal/policies", "policies", "write", policies.add, "Make a policy", ("overwrite",)),
    Entry("GET", "/api/portal/policies/{policy_id}", "policies", "read", policies.read, "A policy", (), POLICY),
    Entry("PUT", "/api/portal/policies/{policy_id}", "policies", "write", policies.change, "Replace it", (), POLICY),
    Entry("DELETE", "/api/portal/policies/{policy_id}", "policies", "write", policies.remove, "Delete", (), NO_POLICY),
)
# In the order in which paths are tried: those with a word before those with a name in its place.
ENTRIES: Final[tuple[Entry, ...]] = (*_KEYS, *_APIS, *_POLICIES, *USAGE)
