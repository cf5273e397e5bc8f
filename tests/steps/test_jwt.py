"""JWT mode on the wire: every row of auth.md 3.10, byte for byte, and what the verified-token cache may not do."""

import base64
from typing import Any

import pytest

from tests.kit.client import Response, get
from tests.kit.data_path import DataPath, data_path
from tests.kit.definitions import jwt_api, policy, session
from tests.kit.origin import Origin
from tests.kit.tokens import SECRET, assembled, hs256, rsa_key, sign

NOW = 1_800_000_000
CLAIMS = {"sub": "alice", "exp": NOW + 100}
OTHER_SECRET = "another-secret-of-at-least-32-char"
NOT_AUTHORIZED = "Key not authorized"
UNEXPECTED = "Key not authorized: Unexpected signing method"


def jwt_key(*api_ids: str, secret: str = SECRET, **members: Any) -> dict[str, Any]:
    return session(*api_ids, jwt_data={"secret": secret}, **members)


KEYS = {
    "good": jwt_key("jwt"),
    "alice": jwt_key("jwt"),
    "no-secret": session("jwt"),
    "no-rights": jwt_key("another"),
    "inactive": jwt_key("jwt", is_inactive=True),
    "expired": jwt_key("jwt", expires=NOW - 1),
    "lost-policy": jwt_key("jwt", apply_policies=["gone"]),
}


def call(path: DataPath, token: str, target: str = "/jwt/") -> Response:
    return get(path.url + target, {"Authorization": f"Bearer {token}"} if token else {})


def error(text: str) -> bytes:
    return f'{{\n    "error": "{text}"\n}}'.encode()


@pytest.mark.parametrize(
    ("token", "status", "text"),
    [
        ("", 400, "Authorization field missing"),
        ("rubbish", 403, NOT_AUTHORIZED),
        ("a.b.c", 403, NOT_AUTHORIZED),
        (hs256(CLAIMS, kid="unknown"), 403, NOT_AUTHORIZED),
        (hs256(CLAIMS, OTHER_SECRET, kid="good"), 403, NOT_AUTHORIZED),
        (hs256(CLAIMS, kid="no-secret"), 403, NOT_AUTHORIZED),
        (assembled({"alg": "none", "kid": "good"}, CLAIMS), 403, UNEXPECTED),
        (sign(CLAIMS, rsa_key(), "RS256", kid="good"), 403, UNEXPECTED),
        (hs256({"exp": NOW - 1}, kid="good"), 401, "Key not authorized: token has expired"),
        (hs256({"exp": 0}, kid="good"), 401, "Key not authorized: token has expired"),
        (hs256({"iat": NOW + 50}, kid="good"), 401, "Key not authorized: token used before issued"),
        (hs256({"nbf": NOW + 50}, kid="good"), 401, "Key not authorized: token is not valid yet"),
        (hs256({"exp": NOW + 9}), 404, "no suitable claims for user ID were found"),
        (hs256({"exp": NOW + 9, "sub": ""}), 404, "found an empty user ID in sub claim"),
        (hs256(CLAIMS, kid="lost-policy"), 403, NOT_AUTHORIZED),
        (hs256(CLAIMS, kid="expired"), 401, "Key has expired, please renew"),
        (hs256(CLAIMS, kid="inactive"), 403, "Key is inactive, please renew"),
        (hs256(CLAIMS, kid="no-rights"), 403, "Access to this API has been disallowed"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 60 else "token",
)
def test_a_refused_token_gets_its_status_and_text_and_the_upstream_nothing(token: str, status: int, text: str) -> None:
    with Origin() as origin, data_path(jwt_api(origin.url), keys=KEYS) as path:
        for _ in range(2):
            answer = call(path, token)
            assert (answer.status, answer.body) == (status, error(text))
        assert origin.connections == 0


@pytest.mark.parametrize("token", [hs256(CLAIMS, kid="good"), hs256(CLAIMS), hs256({}, kid="good")])
def test_a_key_s_token_is_let_through_by_kid_or_subject(token: str) -> None:
    with Origin() as origin, data_path(jwt_api(origin.url), keys=KEYS) as path:
        assert [call(path, token).status for _ in range(3)] == [200, 200, 200]


def test_a_token_seen_before_is_still_refused_once_it_expires() -> None:
    token = hs256(CLAIMS, kid="good")
    with Origin() as origin, data_path(jwt_api(origin.url), keys=KEYS) as path:
        assert call(path, token).status == 200
        path.advance(101)
        answer = call(path, token)
        assert (answer.status, answer.body) == (401, error("Key not authorized: token has expired"))


def test_the_same_secret_written_again_lets_known_tokens_go_on() -> None:
    token = hs256(CLAIMS, kid="good")
    with Origin() as origin, data_path(jwt_api(origin.url), keys=KEYS) as path:
        for _ in range(2):
            assert call(path, token).status == 200
            path.put_key("good", jwt_key("jwt", alias="renamed"))
        assert call(path, token).status == 200


def test_another_secret_refuses_known_tokens_at_once_and_takes_new_ones() -> None:
    token = hs256(CLAIMS, kid="good")
    with Origin() as origin, data_path(jwt_api(origin.url), keys=KEYS) as path:
        assert call(path, token).status == 200
        path.put_key("good", jwt_key("jwt", secret=OTHER_SECRET))
        assert call(path, token).status == 403
        assert call(path, hs256(CLAIMS, OTHER_SECRET, kid="good")).status == 200


def test_a_deleted_key_refuses_its_known_tokens_at_once() -> None:
    token = hs256(CLAIMS, kid="good")
    with Origin() as origin, data_path(jwt_api(origin.url), keys=KEYS) as path:
        assert call(path, token).status == 200
        path.delete_key("good")
        assert call(path, token).status == 403
        assert len(origin.requests) == 1


STRICT = {"jwt_skip_kid": True}


@pytest.mark.parametrize("first", ["by-kid", "by-subject"])
def test_two_apis_that_differ_in_one_setting_do_not_share_verified_tokens(first: str) -> None:
    """One reads `kid`, the other the subject, who has another secret."""
    keys = {"good": jwt_key("by-kid", "by-subject"), "bob": jwt_key("by-kid", "by-subject", secret=OTHER_SECRET)}
    token = hs256({"sub": "bob"}, kid="good")
    expected = {"by-kid": 200, "by-subject": 403}
    with Origin() as origin:
        apis = [jwt_api(origin.url, "by-kid"), jwt_api(origin.url, "by-subject", **STRICT)]
        with data_path(*apis, keys=keys) as path:
            for api_id in sorted(expected, key=lambda name: name != first):
                assert call(path, token, f"/{api_id}/").status == expected[api_id]


# -- one key for all (`jwt_source`) --------------------------------------------------------------------------------

POLICIES = [policy("gold", "jwt"), policy("silver", "jwt"), policy("sleeping", "jwt", is_inactive=True)]


def shared_api(url: str, **members: Any) -> dict[str, Any]:
    source = base64.b64encode(SECRET.encode()).decode()
    return jwt_api(url, **({"jwt_source": source, "jwt_policy_field_name": "pol"} | members))


@pytest.mark.parametrize(
    ("members", "claims", "status", "text"),
    [
        ({}, {"sub": "a", "pol": "unknown"}, 403, "key not authorized: no matching policy"),
        ({}, {"sub": "a", "pol": ["gold", "unknown"]}, 403, "key not authorized: no matching policy"),
        ({}, {"sub": "a"}, 403, "key not authorized: no matching policy found"),
        ({}, {"pol": "gold"}, 403, "no suitable claims for user ID were found"),
        ({}, {"pol": "gold", "sub": 5}, 403, "no suitable claims for user ID were found"),
        ({}, {"sub": "a", "pol": "sleeping"}, 403, "Key is inactive, please renew"),
        ({}, {"sub": "a", "pol": "gold", "exp": NOW - 1}, 401, "Key not authorized: token has expired"),
        (
            {"jwt_default_policies": ["lost"]},
            {"sub": "a"},
            500,
            'failed to create key: policy not found: \\"lost\\"',
        ),
        (
            {"jwt_scope_to_policy_mapping": {"read": "gold"}, "jwt_default_policies": ["silver"]},
            {"sub": "a", "scope": "write"},
            403,
            "key not authorized: no matching policy found in scope claim",
        ),
    ],
)
def test_a_shared_mode_token_is_refused_with_tyk_s_words(
    members: dict[str, Any], claims: dict[str, Any], status: int, text: str
) -> None:
    with Origin() as origin, data_path(shared_api(origin.url, **members), policies=POLICIES) as path:
        answer = call(path, hs256(claims))
        assert (answer.status, answer.body) == (status, error(text))
        assert origin.connections == 0


@pytest.mark.parametrize(
    ("members", "claims"),
    [
        ({}, {"sub": "a", "pol": "gold"}),
        ({}, {"sub": "a", "pol": ["gold", "silver"]}),
        ({"jwt_default_policies": ["silver"]}, {"sub": "a"}),
        ({"jwt_identity_base_field": "mail"}, {"mail": "a@b", "pol": "gold"}),
        ({"jwt_scope_to_policy_mapping": {"read": "gold"}}, {"sub": "a", "scope": "read write"}),
    ],
)
def test_a_shared_mode_token_with_a_policy_is_let_through(members: dict[str, Any], claims: dict[str, Any]) -> None:
    with Origin() as origin, data_path(shared_api(origin.url, **members), policies=POLICIES) as path:
        assert [call(path, hs256(claims)).status for _ in range(2)] == [200, 200]
        assert path.recorded[0].caller is not None
        assert path.recorded[0].caller.identity.name in ("a", "a@b")


def test_a_changed_policy_is_obeyed_by_the_next_request_of_a_known_token() -> None:
    """J-27, J-30: computed, so nothing has to be looked up or applied anew."""
    token = hs256({"sub": "a", "pol": "gold"})
    with Origin() as origin, data_path(shared_api(origin.url), policies=POLICIES) as path:
        assert call(path, token).status == 200
        path.put_policy(policy("gold", "another"))
        assert call(path, token).status == 403
        path.put_policy(policy("gold", "jwt"))
        assert call(path, token).status == 200


def test_equal_subjects_of_two_issuers_are_two_callers() -> None:
    limited = [policy("one", "jwt", quota_max=1, quota_renewal_rate=3600)]
    with Origin() as origin, data_path(shared_api(origin.url), policies=limited) as path:
        tokens = [hs256({"sub": "a", "iss": issuer, "pol": "one"}) for issuer in ("x", "y")]
        assert [call(path, token).status for token in [*tokens, *tokens]] == [200, 200, 403, 403]
