"""When a field of a definition takes effect: conditions, each with the words the reference page prints.

A condition sees the field's value and the objects around it, root first. Whatever is not plainly off counts as on, so
that a value of the wrong type never switches a guard off.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from propylon.model.target_url import UNSUPPORTED_SCHEMES, scheme_of

Around = tuple[Mapping[str, Any], ...]


class Condition(NamedTuple):
    text: str  # completes "takes effect when …"
    holds: Callable[[Any, Around], bool]

    def __and__(self, other: "Condition") -> "Condition":
        return Condition(
            f"{self.text} and {other.text}",
            lambda value, around: self.holds(value, around) and other.holds(value, around),
        )


def unless(flag: str) -> Condition:
    """A switch beside the field, which only a true `true` turns."""
    return Condition(f"`{flag}` is not true", lambda _, around: around[-1].get(flag) is not True)


def beside(flag: str) -> Condition:
    return Condition(f"`{flag}` is set", lambda _, around: bool(around[-1].get(flag)))


def other_than(*harmless: str) -> Condition:
    words = ", ".join(f"`{word}`" for word in harmless)
    return Condition(f"other than empty, {words}", lambda value, _: bool(value) and value not in harmless)


def above(limit: int) -> Condition:
    return Condition(
        f"above {limit}", lambda value, _: not value <= limit if isinstance(value, int | float) else bool(value)
    )


def member(mapping: Any, name: str) -> Any:
    return mapping.get(name) if isinstance(mapping, Mapping) else None


def _active(entries: Any) -> list[Any]:
    """Entries of an endpoint list that are not switched off; one that is no list counts as one entry."""
    listed = entries if isinstance(entries, list) else [entries] if entries else []
    return [entry for entry in listed if member(entry, "disabled") is not True]


def _removes_headers(value: Any, _: Around) -> bool:
    return any(not isinstance(entry, Mapping) or bool(entry.get("delete_headers")) for entry in _active(value))


def _replies(value: Any, _: Around) -> bool:
    actions = [action for entry in _active(value) for action in _values(member(entry, "method_actions"))]
    return any(member(action, "action") not in (None, "", "no_action") for action in actions)


def _values(mapping: Any) -> list[Any]:
    return list(mapping.values()) if isinstance(mapping, Mapping) else []


def _only_adds_headers(value: Any) -> bool:
    return member(value, "name") == "header_injector" and not member(member(value, "options"), "remove_headers")


def _is_other_target(value: Any, around: Around) -> bool:
    targets = around[-1].get("target_list")
    return bool(value) and not (isinstance(targets, list) and around[-1].get("target_url") in targets)


def _caches(value: Any, around: Around) -> bool:
    versions = _values(member(member(around[0], "version_data"), "versions"))
    lists = [member(version, "extended_paths") for version in versions]
    listed = any(_active(member(paths, kind)) for paths in lists for kind in ("cache", "advance_cache_config"))
    return bool(value) and (listed or bool(around[-1].get("cache_all_safe_requests")))


def _list_of_addresses(switch: str) -> Condition:
    return Condition(
        f"not empty, unless `ip_access_control_disabled` is true and `{switch}` is not",
        lambda value, around: (
            bool(value) and (around[0].get("ip_access_control_disabled") is not True or bool(around[0].get(switch)))
        ),
    )


def _is_versioned(around: Around) -> bool:
    version_data = around[0].get("version_data")
    return bool(version_data) and member(version_data, "not_versioned") is not True


def is_keyless(root: Mapping[str, Any]) -> bool:
    """KL-2: it wins over every other mode."""
    return root.get("use_keyless") is True


def uses_jwt(root: Mapping[str, Any]) -> bool:
    return bool(root.get("enable_jwt")) and not is_keyless(root)


def names_issuers(root: Mapping[str, Any]) -> bool:
    """Whether the definition says whose keys verify; otherwise each key verifies its own tokens."""
    return any(root.get(field) for field in ("jwt_issuers", "jwt_jwks_uris", "jwt_source"))


IS_SET: Final = Condition("set", lambda value, _: bool(value))
NEVER: Final = Condition("never", lambda _, __: False)
KEYED: Final = Condition("the API is not keyless", lambda _, around: not is_keyless(around[0]))
JWT: Final = Condition("the API reads JWTs", lambda _, around: uses_jwt(around[0]))
TOKEN: Final = Condition("the API reads tokens", lambda _, around: not (is_keyless(around[0]) or uses_jwt(around[0])))
NO_AUTH_CONFIG: Final = Condition(
    "`auth_configs.authToken` is absent", lambda _, around: member(around[0].get("auth_configs"), "authToken") is None
)
HAS_ENTRIES: Final = Condition("an entry is not `disabled`", lambda value, _: bool(_active(value)))
EXTENDED: Final = Condition(
    "the version's `use_extended_paths` is on", lambda _, around: bool(around[-2].get("use_extended_paths"))
)
PLAIN: Final = Condition(
    "the version's `use_extended_paths` is off", lambda _, around: not around[-2].get("use_extended_paths")
)
REMOVES_HEADERS: Final = Condition("an entry has `delete_headers`", _removes_headers)
REPLIES: Final = Condition("an entry has a `method_actions` that replies", _replies)
ONLY_ADDS_HEADERS: Final = Condition(
    "every entry is a `header_injector` without `remove_headers`",
    lambda value, _: isinstance(value, list) and bool(value) and all(map(_only_adds_headers, value)),
)
ALLOWED_IPS: Final = _list_of_addresses("enable_ip_whitelisting")
BLOCKED_IPS: Final = _list_of_addresses("enable_ip_blacklisting")
CACHES: Final = Condition("set, with `cache_all_safe_requests` or a cached path", _caches)
OTHER_TARGET: Final = Condition("set and `target_url` is not in `target_list`", _is_other_target)
STORED_ELSEWHERE: Final = Condition(
    "its `storage_engine` is neither empty nor `redis`",
    lambda value, _: bool(value) and member(value, "storage_engine") not in (None, "", "redis"),
)
SEVERAL_VERSIONS: Final = Condition(
    "`not_versioned` is not true and there are several",
    lambda value, around: _is_versioned(around) and isinstance(value, Mapping) and len(value) > 1,
)
VERSION_IN_URL: Final = Condition(
    "`url` and the API is versioned", lambda value, around: value == "url" and _is_versioned(around)
)
CENTRAL: Final = Condition(
    "`jwt_issuers`, `jwt_jwks_uris` or `jwt_source` is set and `jwt_policy_field_name` is not",
    lambda _, around: names_issuers(around[0]) and not around[0].get("jwt_policy_field_name"),
)
OTHER_SCHEME: Final = Condition(
    "its scheme is h2c, tcp, tls or tyk",
    lambda value, _: isinstance(value, str) and scheme_of(value) in UNSUPPORTED_SCHEMES,
)
