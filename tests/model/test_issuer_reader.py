"""Whose keys verify an API's tokens, and what those may ask for: every mistake is named."""

from base64 import b64encode
from typing import Any

import pytest

from propylon.errors import Problem
from propylon.model.api_definition import parse_api
from propylon.model.document_reader import DocumentReader
from propylon.model.issuer_settings import IssuerSettings
from propylon.model.jwt_settings import JwtSettings, read_jwt_settings
from tests.kit.definitions import jwt_api
from tests.kit.tokens import SECRET, ec_key, ed_key, public_pem, rsa_key

JWKS = "https://idp.example/keys"
ENCODED = b64encode(SECRET.encode()).decode()


def read(**fields: Any) -> tuple[JwtSettings | None, list[Problem], list[Problem]]:
    reader = DocumentReader({"jwt_signing_method": "rsa", **fields})
    settings, warnings = read_jwt_settings(reader)
    return settings, reader.problems, warnings


def issuer_of(entry: dict[str, Any], **fields: Any) -> IssuerSettings:
    settings, problems, _ = read(jwt_issuers=[{"issuer": "idp", "jwks_uri": JWKS} | entry], **fields)
    assert settings is not None
    assert problems == []
    assert settings.mode == "issuers"
    return settings.issuers[0]


def test_an_issuer_says_what_is_taken_from_its_tokens() -> None:
    issuer = issuer_of(
        {
            "algorithms": ["ES256"],
            "audiences": ["a"],
            "subject_claims": ["uid", "sub"],
            "policy_claims": ["pol"],
            "scope_claim": "scp",
            "scope_to_policy": {"read": "r", "all": ["r", "w"]},
            "default_policies": ["r"],
            "policy_ceiling": ["r", "w"],
            "cache_timeout": "1m30s",
        }
    )
    assert issuer == IssuerSettings(
        issuer="idp",
        jwks_uris=(JWKS,),
        algorithms=frozenset({"ES256"}),
        audiences=("a",),
        subject_claims=("uid", "sub"),
        policy_claims=("pol",),
        scope_claim="scp",
        scope_to_policy={"read": ("r",), "all": ("r", "w")},
        default_policies=("r",),
        policy_ceiling=frozenset({"r", "w"}),
        family="ecdsa",
        cache_timeout_s=90,
    )


def test_what_an_issuer_leaves_out_is_what_the_definition_says() -> None:
    issuer = issuer_of(
        {},
        jwt_allowed_algorithms=["RS256"],
        jwt_allowed_audiences=["a"],
        jwt_identity_base_field="uid",
        jwt_policy_field_name="pol",
        jwt_default_policies=["r"],
        jwt_scope_claim_name="scp",
        jwt_scope_to_policy_mapping={"read": "r"},
    )
    assert (issuer.algorithms, issuer.family, issuer.audiences) == ({"RS256"}, "rsa", ("a",))
    assert (issuer.subject_claims, issuer.policy_claims, issuer.default_policies) == (("uid",), ("pol",), ("r",))
    assert (issuer.scope_claim, issuer.scope_to_policy, issuer.policy_ceiling) == ("scp", {"read": ("r",)}, None)


def test_the_signing_method_may_be_left_out_where_every_issuer_lists_its_algorithms() -> None:
    assert issuer_of({"algorithms": ["RS256", "ES256"]}, jwt_signing_method=None).family == ""
    _, problems, _ = read(jwt_issuers=[{"issuer": "idp", "jwks_uri": JWKS}], jwt_signing_method="")
    assert [problem.path for problem in problems] == ["jwt_issuers.0.algorithms"]


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [(public_pem(rsa_key()), "PS256"), (public_pem(ec_key("P-384")), "ES384"), (public_pem(ed_key()), "EdDSA")],
)
def test_an_issuer_may_have_one_key(key: str, algorithm: str) -> None:
    entry = {"jwks_uri": None, "key": b64encode(key.encode()).decode(), "algorithms": [algorithm]}
    assert issuer_of(entry).key.decode() == key


@pytest.mark.parametrize(
    ("entry", "path", "code"),
    [
        ({"issuer": ""}, "issuer", "issuer_missing"),
        ({"issuer": 5}, "issuer", "wrong_type"),
        ({"jwks_uri": ""}, "", "issuer_keys"),
        ({"openid_configuration": JWKS}, "", "issuer_keys"),
        ({"jwks_url": JWKS}, "jwks_url", "unknown_field"),
        ({"policy_cieling": ["a"]}, "policy_cieling", "unknown_field"),
        ({"jwks_uri": "ftp://idp.example"}, "jwks_uri", "jwks_url_invalid"),
        ({"jwks_uri": "https://user@idp.example"}, "jwks_uri", "jwks_url_invalid"),
        ({"jwks_uri": "https://idp.example/a b"}, "jwks_uri", "jwks_url_invalid"),
        ({"algorithms": ["none"]}, "algorithms", "jwt_algorithm_unknown"),
        ({"algorithms": ["rs256"]}, "algorithms", "jwt_algorithm_unknown"),
        ({"algorithms": ["HS256", "RS256"]}, "algorithms", "jwt_algorithms_mixed"),
        ({"jwks_uri": None, "key": ENCODED, "algorithms": ["ES256", "RS256"]}, "algorithms", "jwt_algorithms_mixed"),
        ({"jwks_uri": None, "key": "not base64!"}, "key", "jwt_source_undecodable"),
        ({"jwks_uri": None, "key": ENCODED}, "key", "jwt_source_unfit"),
        (
            {"jwks_uri": None, "key": public_pem(rsa_key()), "algorithms": ["HS256"]},
            "key",
            "jwt_source_is_public_key",
        ),
        ({"policy_ceiling": []}, "policy_ceiling", "policy_ceiling_empty"),
        ({"policy_ceiling": ["a"], "default_policies": ["b"]}, "policy_ceiling", "policy_outside_ceiling"),
        ({"policy_ceiling": ["a"], "scope_to_policy": {"s": ["b"]}}, "policy_ceiling", "policy_outside_ceiling"),
        ({"scope_to_policy": {"s": []}}, "scope_to_policy.s", "wrong_type"),
        ({"audiences": "a"}, "audiences", "wrong_type"),
        ({"cache_timeout": "soon"}, "cache_timeout", "wrong_type"),
    ],
)
def test_a_mistake_in_an_issuer_is_named_with_its_place(entry: dict[str, Any], path: str, code: str) -> None:
    _, problems, _ = read(jwt_issuers=[{"issuer": "idp", "jwks_uri": JWKS} | entry])
    assert (f"jwt_issuers.0.{path}".rstrip("."), code) in [(problem.path, problem.code) for problem in problems]
    assert not any(SECRET in problem.message for problem in problems)


def test_an_issuer_cannot_be_listed_twice() -> None:
    _, problems, _ = read(jwt_issuers=[{"issuer": "idp", "jwks_uri": JWKS}] * 2)
    assert [(problem.path, problem.code) for problem in problems] == [("jwt_issuers.1.issuer", "issuer_twice")]


def test_all_mistakes_are_named_at_once() -> None:
    document = jwt_api("http://u/", jwt_issuers=[{"issuer": ""}, "idp", {"issuer": "a", "jwks_uri": "x"}])
    paths = [problem.path for problem in parse_api(document, default_org_id="default").problems]
    for path in ("jwt_issuers.0.issuer", "jwt_issuers.0", "jwt_issuers.1", "jwt_issuers.2.jwks_uri"):
        assert path in paths


def test_an_issuer_of_several_without_a_ceiling_is_warned_of() -> None:
    entries = [{"issuer": name, "jwks_uri": JWKS} for name in "ab"]
    _, _, warnings = read(jwt_issuers=entries, jwt_policy_field_name="pol")
    assert {warning.code for warning in warnings} == {"jwt_ceiling_missing"}


def test_j12_key_sets_come_before_the_source_and_named_issuers_before_both() -> None:
    sets = [{"url": JWKS, "cache_timeout": "3m"}, {"url": f"{JWKS}/2", "cacheTimeout": 60}]
    fields: dict[str, Any] = {"jwt_source": public_pem(rsa_key()), "jwt_jwks_uris": sets}
    settings, problems, warnings = read(**fields)
    assert settings is not None
    assert (problems, settings.mode) == ([], "central")
    (issuer,) = settings.issuers
    assert (issuer.jwks_uris, issuer.key, issuer.cache_timeout_s) == ((JWKS, f"{JWKS}/2"), b"", 60)
    assert [(warning.path, warning.code) for warning in warnings] == [("jwt_source", "jwt_source_not_used")]
    settings, _, warnings = read(**fields, jwt_issuers=[{"issuer": "idp", "jwks_uri": JWKS}])
    assert settings is not None
    assert settings.mode == "issuers"
    assert {warning.path for warning in warnings} == {"jwt_source", "jwt_jwks_uris"}


@pytest.mark.parametrize(
    ("entry", "path"),
    [
        ({}, "jwt_jwks_uris.0.url"),
        ({"url": "file:///etc/passwd"}, "jwt_jwks_uris.0.url"),
        ({"url": JWKS, "ttl": 1}, "jwt_jwks_uris.0.ttl"),
        ("x", "jwt_jwks_uris.0"),
    ],
)
def test_a_mistake_in_a_list_of_key_sets_is_named(entry: Any, path: str) -> None:
    _, problems, _ = read(jwt_jwks_uris=[entry])
    assert path in [problem.path for problem in problems]


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("300s", 300), ("3m", 180), ("1h30m", 5400), (240, 240), (0, None), ("", None), ("0s", None)],
)
def test_j18_a_cache_time_is_a_duration_or_seconds(written: Any, seconds: float | None) -> None:
    """J-18."""
    assert issuer_of({"cache_timeout": written}).cache_timeout_s == seconds


def test_plain_http_is_warned_of() -> None:
    _, problems, warnings = read(jwt_source="http://idp.example/keys")
    assert (problems, [warning.code for warning in warnings]) == ([], ["jwks_url_insecure"])
