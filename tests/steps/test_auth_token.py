"""Auth token mode on the wire: every row of auth.md 4.1, byte for byte, and nothing refused reaches the upstream."""

from typing import Any

import pytest

from tests.kit.client import get
from tests.kit.data_path import data_path
from tests.kit.definitions import policy, session, token_api
from tests.kit.origin import Origin
from tests.kit.tokens import SECRET

NOW = 1_800_000_000
DISALLOWED = "Access to this API has been disallowed"
RESOURCE = "Access to this resource has been disallowed"
LIMITED_PATH = {
    "token": {
        "api_id": "token",
        "versions": ["Default"],
        "allowed_urls": [{"url": "/allowed", "methods": ["GET"]}],
    }
}
KEYS: dict[str, dict[str, Any]] = {
    "good": session("token"),
    "inactive": session("token", is_inactive=True),
    "inactive-and-expired": session("token", is_inactive=True, expires=NOW - 1),
    "expired": session("token", expires=NOW - 1),
    "other-api": session("another"),
    "no-rights": session(),
    "narrow": session("token", access_rights=LIMITED_PATH),
    "lost-policy": session("token", apply_policies=["gone"]),
    "inactive-policy": session("token", apply_policies=["inactive"]),
    "signing": session("token", jwt_data={"secret": SECRET}),
    "signing-and-token": session("token", jwt_data={"secret": SECRET}, allow_as_token=True),
}
POLICIES = [policy("inactive", "token", is_inactive=True)]


def error(text: str) -> bytes:
    return f'{{\n    "error": "{text}"\n}}'.encode()


@pytest.mark.parametrize(
    ("key", "status", "text"),
    [
        ("", 401, "Authorization field missing"),
        ("xy", 403, DISALLOWED),
        ("unknown-key", 403, DISALLOWED),
        ("lost-policy", 403, DISALLOWED),
        ("inactive", 403, "Key is inactive, please renew"),
        ("inactive-policy", 403, "Key is inactive, please renew"),
        ("inactive-and-expired", 403, "Key is inactive, please renew"),
        ("expired", 401, "Key has expired, please renew"),
        ("other-api", 403, DISALLOWED),
        ("no-rights", 403, DISALLOWED),
        ("narrow", 403, RESOURCE),
        ("signing", 403, DISALLOWED),
    ],
)
def test_a_refused_key_gets_its_status_and_text_and_the_upstream_nothing(key: str, status: int, text: str) -> None:
    with Origin() as origin, data_path(token_api(origin.url), keys=KEYS, policies=POLICIES) as path:
        answer = get(path.url + "/token/x", {"Authorization": key} if key else {})
        assert (answer.status, answer.body) == (status, error(text))
        assert answer.value("content-type") == "application/json"
        assert answer.value("x-generator") == "tyk.io"
        assert origin.connections == 0


@pytest.mark.parametrize(
    ("key", "target"), [("good", "/token/x"), ("narrow", "/token/allowed"), ("signing-and-token", "/token/")]
)
def test_a_key_with_the_right_is_let_through(key: str, target: str) -> None:
    with Origin() as origin, data_path(token_api(origin.url), keys=KEYS) as path:
        assert [get(path.url + target, {"Authorization": key}).status for _ in range(2)] == [200, 200]
        assert len(path.records.reads) == 1


def test_a_key_without_rights_passes_where_master_keys_are_allowed() -> None:
    with Origin() as origin, data_path(token_api(origin.url), keys=KEYS, allow_master_keys=True) as path:
        assert get(path.url + "/token/", {"Authorization": "no-rights"}).status == 200


def test_a_key_of_another_organisation_is_unknown_here() -> None:
    keys = {"theirs": session("token") | {"org_id": "other"}}
    with Origin() as origin, data_path(token_api(origin.url), keys=keys) as path:
        assert get(path.url + "/token/", {"Authorization": "theirs"}).status == 403


def test_an_api_that_relies_on_what_is_not_supported_answers_nobody() -> None:
    api = token_api("http://127.0.0.1:9", enable_ip_whitelisting=True, allowed_ips=["10.0.0.1"])
    with data_path(api, keys=KEYS) as path:
        answer = get(path.url + "/token/", {"Authorization": "good"})
        assert answer.status == 503
        assert b"allowed_ips" in answer.body


@pytest.mark.parametrize("kind", ["application/xml", "text/xml", "application/soap+xml"])
def test_a_request_in_xml_is_refused_in_xml(kind: str) -> None:
    with data_path(token_api("http://127.0.0.1:9")) as path:
        answer = get(path.url + "/token/", {"Content-Type": f"{kind}; charset=utf-8"})
        assert answer.value("content-type") == kind
        assert answer.body == (
            b'<?xml version = "1.0" encoding = "UTF-8"?>\n<error>Authorization field missing</error>'
        )
