"""What the upstream is told of the caller; a client can say nothing under those names."""

from typing import Any

import pytest

from propylon.steps.upstream_headers import header_value
from tests.kit.deciding import deciding
from tests.kit.definitions import jwt_api, keyless_api, session, token_api
from tests.kit.tokens import SECRET, hs256

MAPPED = {"jwt_claims_to_headers": {"sub": "X-User", "org.id": "X-Org"}, "identity_to_headers": {"name": "X-Consumer"}}
KEYS = {"k-1": session("jwt", "token", jwt_data={"secret": SECRET}, alias="acme", allow_as_token=True)}


def told(claims: dict[str, Any], *lines: str, **members: Any) -> list[str]:
    with deciding(jwt_api("http://u/", **(MAPPED | members)), keys=KEYS) as at:
        sent = [at.travels_as("/jwt/", hs256(claims, kid="k-1"), *lines) for _ in range(2)]
    assert sent[0] == sent[1]
    return [line for line in sent[0] if line.lower().startswith("x") and not line.startswith("X-Forwarded")]


def test_claims_and_identity_travel_on() -> None:
    assert told({"sub": "u", "org": {"id": 7}}) == ["X-User: u", "X-Org: 7", "X-Consumer: acme"]


@pytest.mark.parametrize("name", ["X-User", "x-user", "X_User", "x_USER", "X.User", "X-Org", "x_org", "x_consumer"])
@pytest.mark.parametrize("claims", [{"sub": "u"}, {}])
def test_what_a_client_writes_under_these_names_is_dropped_in_every_spelling(name: str, claims: dict[str, Any]) -> None:
    lines = told(claims, f"{name}: admin", f"{name}: root", "X-Users: kept")
    assert not any("admin" in line or "root" in line for line in lines)
    assert "X-Users: kept" in lines


def test_a_client_cannot_have_ours_dropped_hop_by_hop() -> None:
    assert "X-User: u" in told({"sub": "u"}, "Connection: X-User")


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        ("u", b"u"),
        ("é", "é".encode()),
        (7, b"7"),
        (1.5, b"1.5"),
        (True, b"true"),
        (["a", "é"], rb'["a","\u00e9"]'),
        ({"a": "\r\n"}, rb'{"a":"\r\n"}'),
        (None, b""),
        ("", b""),
        ("a\r\nX-Admin: 1", b""),
        ("a\nb", b""),
        ("a\0", b""),
        ("\x7f", b""),
        (" a", b""),
        ("a\t", b""),
    ],
)
def test_a_value_is_text_or_json_or_left_out_but_never_another_line(claim: Any, value: bytes) -> None:
    assert header_value(claim) == value


def test_a_claim_may_stand_where_the_credential_was() -> None:
    api = jwt_api("http://u/", strip_auth_data=True, jwt_claims_to_headers={"inner": "Authorization"})
    with deciding(api, keys=KEYS) as at:
        lines = at.travels_as("/jwt/", hs256({"inner": "Basic x"}, kid="k-1"))
    assert [line for line in lines if line.startswith("Auth")] == ["Authorization: Basic x"]


def test_a_plain_token_s_identity_travels_on_and_a_stranger_s_does_not() -> None:
    apis = [token_api("http://u/", **MAPPED), keyless_api("http://u/", **MAPPED)]
    with deciding(*apis, keys=KEYS) as at:
        assert "X-Consumer: acme" in at.travels_as("/token/", "k-1", "X-Consumer: root")
        assert not [line for line in at.travels_as("/keyless/", "", "x_consumer: root") if "onsumer" in line]
