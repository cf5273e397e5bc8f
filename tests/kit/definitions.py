"""Classic API definitions and session bodies for tests: the least that says what is meant."""

from typing import Any


def keyless_api(target: str, api_id: str = "keyless", **extra: Any) -> dict[str, Any]:
    return _api(api_id, target, use_keyless=True, **extra)


def token_api(target: str, api_id: str = "token", **extra: Any) -> dict[str, Any]:
    return _api(api_id, target, use_standard_auth=True, **extra)


def jwt_api(target: str, api_id: str = "jwt", **extra: Any) -> dict[str, Any]:
    """Per-key mode unless `jwt_source` is given."""
    return _api(api_id, target, **({"enable_jwt": True, "jwt_signing_method": "hmac", "jwt_source": ""} | extra))


def session(*api_ids: str, **members: Any) -> dict[str, Any]:
    """A key that may use these APIs, without limits."""
    rights = {api_id: {"api_id": api_id, "api_name": api_id, "versions": ["Default"]} for api_id in api_ids}
    return {"org_id": "default", "expires": -1, "access_rights": rights} | members


def policy(policy_id: str, *api_ids: str, **members: Any) -> dict[str, Any]:
    rights = session(*api_ids)["access_rights"]
    return {"id": policy_id, "name": policy_id, "org_id": "default", "active": True, "access_rights": rights} | members


def _api(api_id: str, target: str, **members: Any) -> dict[str, Any]:
    return {
        "name": api_id,
        "api_id": api_id,
        "org_id": "default",
        "active": True,
        "version_data": {"not_versioned": True, "versions": {"Default": {"name": "Default"}}},
        "proxy": {"listen_path": f"/{api_id}/", "target_url": target, "strip_listen_path": True},
    } | members
