"""A key that verifies JWTs says what it is for, and where it cannot work."""

from typing import Any

import pytest

from propylon.control.jwt_key import jwt_key_members, jwt_key_warnings
from propylon.model.api_definition import parse_api
from propylon.model.session import extract_secrets, parse_session
from tests.kit.definitions import jwt_api, keyless_api, session, token_api
from tests.kit.tokens import ec_key, ed_key, public_pem, rsa_key

SECRET = "a-jwt-secret-of-thirty-two-or-more-characters"
CENTRAL = {"jwt_source": "Y2FuYXJ5LXNlY3JldC1vZi10aGUtYXBpLWRlZmluaXRpb24=", "jwt_policy_field_name": "pol"}


@pytest.mark.parametrize(
    ("jwt_data", "algorithm"),
    [
        ({"secret": SECRET}, "HS256"),
        ({"secret": SECRET, "algorithm": "HS512"}, "HS512"),
        ({"secret": public_pem(rsa_key())}, "RS256"),
        ({"secret": public_pem(ec_key())}, "ES256"),
        ({"secret": public_pem(ec_key("P-384"))}, "ES384"),
        ({"secret": public_pem(ed_key())}, "EdDSA"),
    ],
)
def test_the_algorithm_to_sign_with_fits_what_the_key_holds(jwt_data: dict[str, Any], algorithm: str) -> None:
    parsed, _, _ = parse_session(session("jwt", jwt_data=jwt_data))
    assert parsed is not None
    members = jwt_key_members("acme", parsed, extract_secrets(parsed))
    assert (members["kid"], members["algorithm"]) == ("acme", algorithm)
    assert "The ID alone opens nothing" in members["hint"]


def test_other_keys_have_no_such_members() -> None:
    parsed, _, _ = parse_session(session("token"))
    assert parsed is not None
    assert jwt_key_members("acme", parsed, {}) == {}


@pytest.mark.parametrize(
    ("definition", "members", "code"),
    [
        (jwt_api("http://u/"), {"jwt_data": {"secret": SECRET}}, None),
        (jwt_api("http://u/"), {}, "jwt_key_without_secret"),
        (jwt_api("http://u/", **CENTRAL), {"jwt_data": {"secret": SECRET}}, "jwt_key_not_used"),
        (jwt_api("http://u/", **CENTRAL), {}, None),
        (jwt_api("http://u/", jwt_signing_method="rsa"), {"jwt_data": {"secret": SECRET}}, "jwt_secret_unfit"),
        (jwt_api("http://u/"), {"jwt_data": {"secret": public_pem(rsa_key())}}, "jwt_secret_unfit"),
        (token_api("http://u/"), {"jwt_data": {"secret": SECRET}}, "jwt_key_is_no_token"),
        (token_api("http://u/"), {"jwt_data": {"secret": SECRET}, "allow_as_token": True}, None),
        (token_api("http://u/"), {}, None),
        (keyless_api("http://u/"), {"jwt_data": {"secret": SECRET}}, None),
    ],
)
def test_a_right_where_the_key_does_not_do_what_it_seems_to_is_warned_of(
    definition: dict[str, Any], members: dict[str, Any], code: str | None
) -> None:
    api = parse_api(definition, default_org_id="default").definition
    parsed, _, _ = parse_session(session("jwt", **members))
    assert api is not None
    assert parsed is not None
    warnings = jwt_key_warnings("access_rights.x", api, parsed, extract_secrets(parsed))
    assert [warning.code for warning in warnings] == ([] if code is None else [code])
