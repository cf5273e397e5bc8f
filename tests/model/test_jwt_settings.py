"""The JWT fields of a definition."""

from base64 import b64encode
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from propylon.errors import Problem
from propylon.jose.verification import VerificationRecord, from_pem, from_secret
from propylon.model.document_reader import DocumentReader
from propylon.model.jwt_settings import JwtSettings, read_jwt_settings
from propylon.model.jwt_source import pem
from tests.kit.tokens import SECRET, ec_key, public_pem, rsa_key

RSA_PEM = public_pem(rsa_key())
KEYS = "https://idp.example/keys"


def encoded(text: str) -> str:
    return b64encode(text.encode()).decode()


def read(**fields: Any) -> tuple[JwtSettings | None, list[Problem], list[Problem]]:
    reader = DocumentReader({"jwt_signing_method": "hmac", **fields})
    settings, warnings = read_jwt_settings(reader)
    return settings, reader.problems, warnings


def settings_of(**fields: Any) -> JwtSettings:
    settings, problems, _ = read(**fields)
    assert settings is not None
    assert problems == []
    return settings


@pytest.mark.parametrize("method", ["RSA", "Rsa", "rs256", "RS256", "HMAC", "", None, "EdDSA", "none", " rsa"])
def test_j7_a_signing_method_that_is_not_one_of_four_words_is_a_problem_and_never_hmac(method: Any) -> None:
    settings, problems, _ = read(jwt_signing_method=method, jwt_source=encoded(RSA_PEM))
    assert settings is None
    (problem,) = problems
    assert (problem.path, problem.code) == ("jwt_signing_method", "jwt_signing_method_unknown")
    assert all(word in problem.message for word in ('"hmac"', '"rsa"', '"ecdsa"', '"eddsa"'))


def test_without_a_source_each_key_verifies_its_own_tokens() -> None:
    settings = settings_of()
    assert (settings.mode, settings.issuers) == ("per_key", ())


def test_a_secret_is_decoded_and_does_not_show() -> None:
    settings = settings_of(jwt_source=encoded(SECRET))
    assert (settings.mode, settings.issuers[0].key) == ("central", SECRET.encode())
    assert SECRET not in repr(settings)


@pytest.mark.parametrize("source", [RSA_PEM, encoded(RSA_PEM)])
def test_a_public_key_is_taken_as_it_stands_and_in_base64(source: str) -> None:
    assert settings_of(jwt_signing_method="rsa", jwt_source=source).issuers[0].key.decode() == RSA_PEM


def test_a_certificate_gives_its_public_key() -> None:
    key = generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "idp")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    start, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2036, 1, 1, tzinfo=UTC)
    certificate = builder.not_valid_before(start).not_valid_after(end).sign(key, SHA256())
    for form in (Encoding.PEM, Encoding.DER):
        source = b64encode(certificate.public_bytes(form)).decode()
        assert settings_of(jwt_signing_method="rsa", jwt_source=source).issuers[0].key == pem(key.public_key())


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"jwt_source": "not base64!"}, "jwt_source_undecodable"),
        ({"jwt_source": " "}, "jwt_source_undecodable"),
        ({"jwt_source": encoded(RSA_PEM)}, "jwt_source_is_public_key"),
        ({"jwt_source": RSA_PEM}, "jwt_source_is_public_key"),
        ({"jwt_source": encoded(SECRET), "jwt_signing_method": "rsa"}, "jwt_source_unfit"),
        ({"jwt_allowed_algorithms": ["HS256", "RS256"]}, "jwt_algorithm_outside_family"),
        ({"jwt_allowed_algorithms": ["none"]}, "jwt_algorithm_outside_family"),
        (
            {
                "jwt_signing_method": "ecdsa",
                "jwt_source": public_pem(ec_key("P-384")),
                "jwt_allowed_algorithms": ["ES256"],
            },
            "jwt_algorithm_unfit",
        ),
        ({"jwt_skip_kid": True, "jwt_require_kid": True}, "contradiction"),
        ({"jwt_expires_at_validation_skew": -1}, "wrong_type"),
        ({"jwt_default_policies": "p"}, "wrong_type"),
    ],
)
def test_what_cannot_verify_or_contradicts_itself_is_a_problem(fields: dict[str, Any], code: str) -> None:
    _, problems, _ = read(**fields)
    assert [problem.code for problem in problems] == [code]
    assert SECRET not in problems[0].message


def test_a_weak_secret_is_accepted_with_a_warning() -> None:
    settings, problems, warnings = read(jwt_source=encoded("xxx"))
    assert settings is not None
    assert (problems, [warning.code for warning in warnings]) == ([], ["secret_public"])


@pytest.mark.parametrize("source", [KEYS, encoded(KEYS), f" {KEYS}\n", encoded(f"{KEYS}\n")])
def test_j13_the_url_of_a_key_set_is_taken_plain_and_in_base64(source: str) -> None:
    settings = settings_of(jwt_signing_method="rsa", jwt_source=source)
    assert settings.mode == "central"
    assert [(issuer.issuer, issuer.jwks_uris, issuer.key) for issuer in settings.issuers] == [("", (KEYS,), b"")]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"jwt_scope_claim_name": "scp", "jwt_scope_to_policy_mapping": {"a": "p"}}, ("scp", {"a": "p"})),
        ({"jwt_scope_claim_name": "scp", "scopes": {"jwt": {}, "oidc": {}}}, ("scp", {})),
        ({"jwt_scope_claim_name": "scp", "scopes": {"jwt": {"scope_to_policy": {"a": "p"}}}}, ("scope", {"a": "p"})),
        ({"jwt_scope_claim_name": "scp", "scopes": {"oidc": {"scope_claim_name": "o"}}}, ("scope", {})),
    ],
)
def test_j4_the_old_scope_fields_are_read_only_when_the_new_are_empty(
    fields: Any, expected: tuple[str, dict[str, str]]
) -> None:
    """J-4."""
    (issuer,) = settings_of(jwt_source=encoded(SECRET), **fields).issuers
    claim, mapping = expected
    assert (issuer.scope_claim, issuer.scope_to_policy) == (claim, {scope: (one,) for scope, one in mapping.items()})


def test_the_algorithms_may_be_narrowed_within_the_family() -> None:
    allowed = settings_of(jwt_signing_method="rsa", jwt_allowed_algorithms=["PS256", "RS256"]).allowed_algorithms
    assert allowed == {"PS256", "RS256"}


@pytest.mark.parametrize("curve", ["P-256", "P-384", "P-521"])
def test_what_is_accepted_for_ecdsa_verifies(curve: str) -> None:
    settings = settings_of(jwt_signing_method="ecdsa", jwt_source=public_pem(ec_key(curve)))
    assert isinstance(from_pem(settings.issuers[0].key, family="ecdsa", id=""), VerificationRecord)


@given(st.binary(min_size=1) | st.binary().map(lambda tail: b"AAAAB3NzaC1" + tail))
def test_what_is_accepted_for_hmac_verifies(secret: bytes) -> None:
    settings, problems, _ = read(jwt_source=b64encode(secret).decode())
    if settings is not None and settings.issuers and settings.issuers[0].key and not problems:
        assert isinstance(from_secret(settings.issuers[0].key, id=""), VerificationRecord)
