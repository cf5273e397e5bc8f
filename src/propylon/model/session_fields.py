"""Which members of a key and of a policy are honoured, and what is said or done about the others (design §7).

A guard in effect makes the key refuse, because without it more would get in than was written.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from propylon.errors import Problem
from propylon.model.field_row import FieldClass
from propylon.model.session_record import Session

RATE_LIMIT_PATTERN: Final = "meta_data.rate_limit_pattern"

Classes = Mapping[str, "FieldUse"]  # by path; "*" stands for any API id


class FieldUse(NamedTuple):
    """Members of all classes are carried; `less` is warned of, a `guard` is warned of and makes the key refuse."""

    field_class: FieldClass
    text: str = ""  # why, and the remedy
    in_effect: Callable[[Any], object] = bool  # of the member's value
    lifted_by_token: bool = False  # a guard of the key ID only: `allow_as_token` says that the ID may open APIs


def _honoured(names: str) -> dict[str, FieldUse]:
    return dict.fromkeys(names.split(), FieldUse(FieldClass.HONOURED))


def _dormant(names: str) -> dict[str, FieldUse]:
    return dict.fromkeys(names.split(), FieldUse(FieldClass.DORMANT))


def _less(names: str, text: str, in_effect: Callable[[Any], object] = bool) -> dict[str, FieldUse]:
    return dict.fromkeys(names.split(), FieldUse(FieldClass.LESS, text, in_effect))


def _guard(name: str, text: str, *, lifted_by_token: bool = False) -> dict[str, FieldUse]:
    return {name: FieldUse(FieldClass.GUARD, text, _is_above_zero, lifted_by_token)}


def _is_above_zero(value: Any) -> bool:
    return value > 0 if isinstance(value, int) else bool(value)


def _is_enabled(value: Any) -> bool:
    return value is not None and value.enabled


_IS_IDENTIFIER: Final = (
    "is not supported, and such a key ID is no secret; set allow_as_token if it may open APIs by itself"
)

_COMMON: Final[Classes] = {
    **_honoured("rate per throttle_interval throttle_retry_limit quota_max quota_renewal_rate"),
    **_honoured("access_rights access_rights.*.api_id access_rights.*.versions access_rights.*.allowed_urls"),
    **_honoured("access_rights.*.limit access_rights.*.endpoints org_id is_inactive tags meta_data last_updated"),
    # GraphQL, JSON-RPC and MCP APIs are not served, so these never take effect.
    **_dormant("max_query_depth access_rights.*.restricted_types access_rights.*.allowed_types"),
    **_dormant("access_rights.*.field_access_rights access_rights.*.disable_introspection"),
    **_dormant("access_rights.*.json_rpc_methods access_rights.*.json_rpc_methods_access_rights"),
    **_dormant("access_rights.*.mcp_primitives access_rights.*.mcp_access_rights"),
    **_dormant("access_rights.*.api_name access_rights.*.allowance_scope"),
    **_less(
        "hmac_enabled enable_http_signature_validation", "HTTP signatures are not supported, so this opens nothing"
    ),
    **_less("smoothing", "smoothing is not supported; the rate itself holds", _is_enabled),
    **_less(
        "post_expiry_action post_expiry_grace_period", "expired keys are refused but stay listed until they are deleted"
    ),
    **_guard(RATE_LIMIT_PATTERN, "counters shared by a pattern are not supported, so the key refuses"),
}

SESSION_FIELD_CLASSES: Final[Classes] = {
    **_COMMON,
    **_honoured("expires jwt_data apply_policies apply_policy_id meta_data.policies alias date_created allow_as_token"),
    **_honoured("enable_detail_recording enable_detailed_recording"),
    **_dormant("last_check allowance quota_renews quota_remaining data_expires id_extractor_deadline"),
    **_dormant("oauth_client_id oauth_keys"),
    **_less("hmac_string", "HTTP signatures are not supported, so this opens nothing"),
    **_less("basic_auth_data.password", "basic authentication is not supported, so the password opens nothing"),
    **_dormant("basic_auth_data.hash_type basic_auth_data.user"),
    **_less("monitor.trigger_limits", "no trigger fires"),
    **_guard("certificate", f"certificate authentication {_IS_IDENTIFIER}", lifted_by_token=True),
    **_guard("rsa_certificate_id", f"proof by an RSA signature {_IS_IDENTIFIER}", lifted_by_token=True),
    **_guard(
        "mtls_static_certificate_bindings",
        "binding to certificates is not supported, so the key refuses; remove the bindings to use it",
    ),
    **_guard(
        "session_lifetime", "a life counted from the last write is not supported, so the key refuses; use expires"
    ),
}

POLICY_FIELD_CLASSES: Final[Classes] = {
    **_COMMON,
    **_honoured("id _id name partitions key_expires_in"),
    **_dormant("active graphql_access_rights"),
    # Tyk's dashboard notes these for itself.
    **_dormant("access_rights_array auth_type auth_types state graphql_enabled date_created"),
}


def guards_of(session: Session, meta_data: Mapping[str, Any]) -> tuple[str, ...]:
    """The guards in effect, by path. `meta_data` is that of the key and its policies together."""
    found = [
        path for path, use in _KEY_GUARDS if use.in_effect(getattr(session, path)) and not _is_lifted(use, session)
    ]
    if meta_data.get("rate_limit_pattern"):
        found.append(RATE_LIMIT_PATTERN)
    return tuple(found)


def class_warnings(record: object, unhonoured: Sequence[tuple[str, FieldUse]]) -> Iterator[Problem]:
    """One for each member that was set, would have an effect in Tyk, and has none or a refusal here."""
    for path, use in unhonoured:
        if use.in_effect(_value_at(record, path)) and not _is_lifted(use, record):
            code = "not_honoured" if use.field_class is FieldClass.LESS else "guard_unsupported"
            yield Problem(path, code, use.text)


def _is_lifted(use: FieldUse, record: object) -> bool:
    return use.lifted_by_token and isinstance(record, Session) and record.allow_as_token


def _value_at(record: object, path: str) -> Any:
    name, _, inner = path.partition(".")
    value = getattr(record, name)
    if not inner:
        return value
    return value.get(inner) if isinstance(value, Mapping) else getattr(value, inner)


def _unhonoured(classes: Classes) -> tuple[tuple[str, FieldUse], ...]:
    refusing = (FieldClass.LESS, FieldClass.GUARD)
    return tuple((path, use) for path, use in classes.items() if use.field_class in refusing)


SESSION_UNHONOURED: Final = _unhonoured(SESSION_FIELD_CLASSES)
POLICY_UNHONOURED: Final = _unhonoured(POLICY_FIELD_CLASSES)
_KEY_GUARDS: Final = tuple(
    (path, use)
    for path, use in SESSION_UNHONOURED
    if use.field_class is FieldClass.GUARD and path != RATE_LIMIT_PATTERN
)
