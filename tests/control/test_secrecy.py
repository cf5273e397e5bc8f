"""A secret goes in once and never comes out: in no answer, no log line, no file (design §3.5)."""

import base64
import logging
from typing import Any

import pytest

from tests.control.conftest import SECRET, GatewayApi
from tests.kit.definitions import jwt_api, session

CANARIES = {
    "jwt": "canary-jwt-secret-of-thirty-two-characters",
    "hmac": "canary-hmac-string",
    "basic": "canary-password",
    "source": "canary-source-of-thirty-two-characters",
    "token": "canary-token-id",
}
SOURCE = base64.b64encode(CANARIES["source"].encode()).decode()


def everything_once(api: GatewayApi) -> list[str]:
    """Each kind of write and read, right and wrong; the answers."""
    secrets = {"jwt_data": {"secret": CANARIES["jwt"]}, "hmac_string": CANARIES["hmac"]}
    body = session("jwt", basic_auth_data={"password": CANARIES["basic"]}, **secrets)
    definition = jwt_api("http://u/", jwt_source=SOURCE, jwt_policy_field_name="pol")
    calls: list[tuple[str, str, Any]] = [
        ("POST", "/tyk/apis", definition),
        ("POST", "/tyk/apis", definition | {"name": "other"}),
        ("PUT", "/tyk/apis/jwt", definition | {"active": "wrong"}),
        ("GET", "/tyk/apis", None),
        ("GET", "/tyk/apis/jwt", None),
        ("POST", "/tyk/keys/acme", body),
        ("POST", "/tyk/keys/acme", body | {"alias": "other"}),
        ("PUT", "/tyk/keys/acme", body | {"rate": "wrong"}),
        ("PUT", "/tyk/keys/acme", body | {"alias": "x"}),
        ("POST", "/tyk/keys/preview", body),
        ("GET", "/tyk/keys/acme?effective=1", None),
        ("GET", "/tyk/keys?details=1", None),
    ]
    return [api.call(*call).text for call in calls]


def test_no_secret_comes_back_in_an_answer_or_a_log_line(api: GatewayApi, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="propylon"):
        answers = everything_once(api)
        api.call("POST", f"/tyk/keys/{CANARIES['token']}", session("jwt"), X_Tyk_Authorization="wrong")
    text = "".join(answers) + caplog.text
    assert [name for name, canary in CANARIES.items() if canary in text] == []
    assert SOURCE not in text
    assert SECRET not in text


def test_no_secret_and_no_token_stands_readable_in_a_file(api: GatewayApi) -> None:
    everything_once(api)
    api.call("POST", f"/tyk/keys/{CANARIES['token']}", session("jwt"))
    stored = b"".join(path.read_bytes() for path in api.folder.rglob("*") if path.is_file())
    assert b"acme" in stored
    assert [name for name, canary in CANARIES.items() if canary.encode() in stored] == []
    assert SOURCE.encode() not in stored
