"""A key and a policy that set every member there is, limits per API and per endpoint among them."""

from typing import Any

from tests.kit.definitions import policy, session

LIMIT = {"rate": 500, "per": 60, "quota_max": 900, "quota_renewal_rate": 3600, "throttle_interval": -1}
OF_KEYS_AND_POLICIES: dict[str, Any] = {
    "rate": 1000,
    "per": 60,
    "throttle_interval": 1,
    "throttle_retry_limit": 2,
    "max_query_depth": 3,
    "quota_max": 5000,
    "quota_renewal_rate": 3600,
    "hmac_enabled": True,
    "enable_http_signature_validation": True,
    "is_inactive": False,
    "meta_data": {"team": "north", "deep": [1, {"a": None}]},
    "tags": ["gold", "blue"],
    "smoothing": {"enabled": False, "threshold": 5, "trigger": 0.5, "step": 2, "delay": 10},
}


def whole_session(*api_ids: str) -> dict[str, Any]:
    body = session(*api_ids) | OF_KEYS_AND_POLICIES
    for right in body["access_rights"].values():
        right |= _whole_right()
    return body | {
        "expires": 4_102_444_800,
        "oauth_client_id": "client",
        "oauth_keys": {"a": "b"},
        "basic_auth_data": {"password": "a-password", "hash_type": "bcrypt", "user": "anna"},
        "jwt_data": {"secret": ""},
        "hmac_string": "an-hmac-string",
        "monitor": {"trigger_limits": [80, 60.5]},
        "enable_detail_recording": True,
        "enable_detailed_recording": True,
        "alias": "Anna",
        "allow_as_token": True,  # with a password and an HMAC string its ID is no secret
        "data_expires": 7,
        "id_extractor_deadline": 8,
        "post_expiry_action": "delete",
        "post_expiry_grace_period": 9,
        "a_member_of_tomorrow": {"x": 1},
    }


def whole_policy(policy_id: str, *api_ids: str, **members: Any) -> dict[str, Any]:
    body = policy(policy_id, *api_ids) | OF_KEYS_AND_POLICIES
    for right in body["access_rights"].values():
        right |= _whole_right()
    return body | {"key_expires_in": 0, "a_member_of_tomorrow": [1]} | members


def _whole_right() -> dict[str, Any]:
    return {
        "allowed_urls": [{"url": "/.*", "methods": ["GET", "POST"]}],
        "limit": dict(LIMIT),
        "endpoints": [{"path": "/e", "methods": [{"name": "GET", "limit": {"rate": 300, "per": 60}}]}],
        "restricted_types": [],
        "allowed_types": [],
        "field_access_rights": [],
        "disable_introspection": False,
    }
